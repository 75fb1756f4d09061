#include <duet/graph/vector_code.hpp>

#include <bit>
#include <cassert>

namespace duet {

namespace {

using Operation = VectorCode::Operation;

Vector binary(Operation operation, const Vector& a, const Vector& b) {
    return VectorCode::of({&a, &b}).append(operation, a, b);
}

}  // namespace

Vector operator+(const Vector& a, const Vector& b) {
    return binary(Operation::add, a, b);
}
Vector operator-(const Vector& a, const Vector& b) {
    return binary(Operation::subtract, a, b);
}
Vector operator*(const Vector& a, const Vector& b) {
    return binary(Operation::multiply, a, b);
}
Vector operator/(const Vector& a, const Vector& b) {
    return binary(Operation::divide, a, b);
}
Vector operator-(const Vector& x) {
    return binary(Operation::exclusive_or, x, Vector(-0.0));
}
Vector sqrt(const Vector& x) {
    return binary(Operation::square_root, x, x);
}
Vector fabs(const Vector& x) {
    return binary(Operation::and_not, Vector(-0.0), x);
}
VectorComparison operator<(const Vector& a, const Vector& b) {
    return {VectorRelation::less, a, b};
}
VectorComparison operator<=(const Vector& a, const Vector& b) {
    return {VectorRelation::less_equal, a, b};
}
VectorComparison operator>(const Vector& a, const Vector& b) {
    return {VectorRelation::greater, a, b};
}
VectorComparison operator>=(const Vector& a, const Vector& b) {
    return {VectorRelation::greater_equal, a, b};
}
VectorComparison operator==(const Vector& a, const Vector& b) {
    return {VectorRelation::equal, a, b};
}
VectorComparison operator!=(const Vector& a, const Vector& b) {
    return {VectorRelation::not_equal, a, b};
}
Vector select(const VectorComparison& condition, const Vector& chosen, const Vector& otherwise) {
    return VectorCode::of({&condition.left, &condition.right, &chosen, &otherwise})
        .append_select(condition, chosen, otherwise);
}

VectorCode& VectorCode::of(std::initializer_list<const Vector*> vectors) {
    for (const Vector* const vector : vectors)
        if (vector->code_) return *vector->code_;
    assert(!"an operation on numbers alone");
    __builtin_unreachable();
}

Vector VectorCode::read(Operation operation) {
    return append({operation, {}, 0, {addresses_read_++}});
}

Vector VectorCode::append(const Line& line) {
    lines_.push_back(line);
    return {*this, static_cast<std::uint32_t>(lines_.size() - 1)};
}

std::uint32_t VectorCode::line_of(const Vector& vector) {
    if (vector.code_) {
        assert(vector.code_ == this);
        return vector.line_;
    }
    for (std::size_t i = 0; i < constants_.size(); ++i)
        if (is_constant(constant_lines_[i], vector.number_)) return constant_lines_[i];
    constants_.push_back({addresses_read_, vector.number_});
    constant_lines_.push_back(broadcast().line_);
    return constant_lines_.back();
}

bool VectorCode::is_constant(std::uint32_t line, double number) const {
    for (std::size_t i = 0; i < constants_.size(); ++i)
        if (constant_lines_[i] == line)
            return std::bit_cast<std::uint64_t>(constants_[i].number) == std::bit_cast<std::uint64_t>(number);
    return false;
}

Vector VectorCode::append(Operation operation, const Vector& a, const Vector& b) {
    const std::uint32_t first = line_of(a), second = line_of(b);
    return append({operation, {}, 2, {first, second}});
}

Vector VectorCode::append_select(const VectorComparison& condition, const Vector& chosen,
                                 const Vector& otherwise) {
    using enum VectorRelation;
    VectorRelation relation = condition.relation;
    std::uint32_t a = line_of(condition.left), b = line_of(condition.right);
    const std::uint32_t c = line_of(chosen), d = line_of(otherwise);
    // Whether a comparison's result, 1 or 0, is not 0.
    if (const Line& made = lines_[a]; relation == not_equal && is_constant(b, 0) &&
                                      made.operation == Operation::select && is_constant(made.inputs[2], 1) &&
                                      is_constant(made.inputs[3], 0)) {
        relation = made.relation;
        a = made.inputs[0];
        b = made.inputs[1];
    }
    if ((relation == less || relation == greater) && ((a == c && b == d) || (a == d && b == c))) {
        const bool smaller = (relation == less) == (a == c);
        return append({smaller ? Operation::minimum : Operation::maximum, {}, 2, {c, d}});
    }
    return append({Operation::select, relation, 4, {a, b, c, d}});
}

}  // namespace duet
