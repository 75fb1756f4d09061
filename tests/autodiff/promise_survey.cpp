#include "promise_survey.hpp"

#include <cmath>
#include <exception>
#include <limits>
#include <type_traits>

#include "../same_bits.hpp"

namespace duet {

namespace {

/// Numbers that a kernel may refuse.
template <class T>
std::vector<T> bad_values() {
    using Limits = std::numeric_limits<T>;
    return {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), T(-1), T(0.5), Limits::max()};
}

std::string describe(const CaseNode& node, const std::vector<Shape>& shapes) {
    std::string list;
    for (const Shape& shape : shapes) list += " " + to_string(shape);
    return fmt::format("{}({}) of{}", class_of(*node.op), to_string(node.op->attributes()), list);
}

/// How far apart, as a part of the expected value's norm.
template <class T>
double distance(const std::vector<T>& made, const std::vector<T>& expected) {
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double is = made[i], wanted = expected[i];
        if (!same(is, wanted)) difference += (is - wanted) * (is - wanted);
        if (std::isfinite(wanted)) norm += wanted * wanted;
    }
    return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

/// Absorbing, rearranging and accumulating may change the rounding.
template <class T>
void check_equivalence(const CaseNode& node, const CaseValues<T>& values, const std::vector<T>& made,
                       PromiseReport& report) {
    const double allowed = std::is_same_v<T, float> ? 1e-6 : 1e-14;
    std::vector<T> expected = values[node.equivalence->of];
    if (const auto added = node.equivalence->added)
        for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += values[*added][i];
    const double apart = distance(made, expected);
    report.expect(apart <= allowed, node.equivalence->promise.c_str(), "it is {} of its norm off", apart);
}

}  // namespace

void PromiseSurvey::check(const OpCase& row, const Extent& extent) {
    PromiseReport rewrites;
    const std::vector<CaseNode> nodes = nodes_of(row, extent.order, rewrites);
    report_.add(rewrites, row.name);
    check_values<float>(nodes, row, extent);
    check_values<double>(nodes, row, extent);
}

template <class T>
void PromiseSurvey::check_values(const std::vector<CaseNode>& nodes, const OpCase& row,
                                 const Extent& extent) {
    const CaseValues<T> values = values_of<T>(nodes, row.low, row.high, 1);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (nodes[i].is_leaf()) continue;
        const AppliedOp<T> op = applied(nodes, i, values);
        PromiseReport report = check_kernel(op);
        if (!nodes[i].equivalence)
            report.expect(op.op->shape(op.shapes) == op.output && op.op->shape(op.shapes) == op.output,
                          "shape", "one list of shapes gives several results");
        if (nodes[i].equivalence) check_equivalence(nodes[i], values, values[i], report);
        const std::string blocks = class_of(*op.op) + merge_key(op.op->attributes());
        if (op.op->elementwise() && blocks_checked_.insert(blocks).second) {
            report.add(check_blocks<float>(op.op, op.inputs.size()), "float");
            report.add(check_blocks<double>(op.op, op.inputs.size()), "double");
        }
        if constexpr (std::is_same_v<T, double>) {
            merge_keys_.add(op, values[i], report);
            note(nodes, i, op.shapes);
        }
        report_.add(report, fmt::format("{}: {}", row.name, describe(nodes[i], op.shapes)));
    }
    if (extent.failures) check_failures(nodes, values, row);
}

void PromiseSurvey::note(const std::vector<CaseNode>& nodes, std::size_t node,
                         const std::vector<Shape>& shapes) {
    const Op& op = *nodes[node].op;
    const Shape& output = nodes[node].shape;
    ops_.push_back({class_of(op),
                    to_string(op.attributes()),
                    shapes,
                    output,
                    op.tiles({shapes, output}),
                    op.elementwise() != nullptr,
                    {},
                    {}});
    if (!nodes[node].equivalence) return;
    ops_.back().rewrite = nodes[node].equivalence->promise;
    ops_.back().stands_for = class_of(*nodes[nodes[node].equivalence->of].op);
}

/// With bad numbers in all inputs and constants, or one in the last element of each, an op that has not said
/// so must not throw. Where one throws, those behind it go on from a good value.
template <class T>
void PromiseSurvey::check_failures(const std::vector<CaseNode>& nodes, const CaseValues<T>& good,
                                   const OpCase& row) {
    const std::vector<T> bad = bad_values<T>();
    for (std::size_t trial = 0; trial <= bad.size(); ++trial) {
        CaseValues<T> values = good;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            if (nodes[i].is_leaf()) {
                if (trial < bad.size()) values[i].assign(values[i].size(), bad[trial]);
                values[i].back() = bad[trial % bad.size()];
                continue;
            }
            std::string thrown;
            const AppliedOp<T> op = applied(nodes, i, values);
            try {
                values[i] = evaluate(op);
            } catch (const std::exception& error) {
                thrown = error.what();
            }
            report_.expect(thrown.empty() || op.op->may_fail(), "may_fail", "{}: {} throws: {}", row.name,
                           op.op->name(), thrown);
        }
    }
}

}  // namespace duet
