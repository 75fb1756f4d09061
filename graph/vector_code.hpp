#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace duet {

class VectorCode;

enum class VectorRelation : std::uint8_t { less, less_equal, greater, greater_equal, equal, not_equal };

struct VectorComparison;

/// Stands for many elements at once, or for a number that is the same for all. Arithmetic on vectors is not
/// done but written down in a VectorCode, so that a template on the element type which computes one element
/// also says how to compute all. At least one argument of each operation must come from a VectorCode.
class Vector {
 public:
    explicit Vector(double number) : number_(number) {}
    Vector(VectorCode& code, std::uint32_t line) : code_(&code), line_(line) {}

    friend Vector operator+(const Vector& a, const Vector& b);
    friend Vector operator-(const Vector& a, const Vector& b);
    friend Vector operator*(const Vector& a, const Vector& b);
    friend Vector operator/(const Vector& a, const Vector& b);
    friend Vector operator-(const Vector& x);
    friend Vector sqrt(const Vector& x);
    friend Vector fabs(const Vector& x);
    friend VectorComparison operator<(const Vector& a, const Vector& b);
    friend VectorComparison operator<=(const Vector& a, const Vector& b);
    friend VectorComparison operator>(const Vector& a, const Vector& b);
    friend VectorComparison operator>=(const Vector& a, const Vector& b);
    friend VectorComparison operator==(const Vector& a, const Vector& b);
    friend VectorComparison operator!=(const Vector& a, const Vector& b);

 private:
    friend class VectorCode;
    VectorCode* code_ = nullptr;
    std::uint32_t line_ = 0;
    double number_ = 0;
};

/// A comparison to choose by; false for NaN, except that NaN is not equal to anything.
struct VectorComparison {
    VectorRelation relation;
    Vector left, right;
};

/// `chosen` where the comparison holds, `otherwise` elsewhere.
Vector select(const VectorComparison& condition, const Vector& chosen, const Vector& otherwise);
template <std::floating_point T>
inline T select(bool condition, T chosen, T otherwise) {
    return condition ? chosen : otherwise;
}

/// Straight-line code over vectors: each line makes one from earlier ones. Memory is known by addresses,
/// numbered from zero: first those read, then those written.
class VectorCode {
 public:
    enum class Operation : std::uint8_t {
        load,
        broadcast,  ///< one element for all
        add,
        subtract,
        multiply,
        divide,
        minimum,  ///< a < b ? a : b
        maximum,  ///< a > b ? a : b
        square_root,
        exclusive_or,  ///< of the bits
        and_not,       ///< the bits of b that a has not
        select,        ///< a relation b ? c : d
    };
    struct Line {
        Operation operation;
        VectorRelation relation;
        /// How many of `inputs` there are.
        std::uint8_t count;
        /// Earlier lines; the address for load and broadcast.
        std::array<std::uint32_t, 4> inputs;

        bool reads_memory() const { return operation <= Operation::broadcast; }
        friend bool operator==(const Line&, const Line&) = default;
    };
    /// A number that the code reads at an address, to be stored there in the element type.
    struct Constant {
        std::uint32_t address;
        double number;
    };

    /// Reads the next address, which is also the number of addresses read before.
    Vector load() { return read(Operation::load); }
    Vector broadcast() { return read(Operation::broadcast); }
    /// Writes a vector to the next of the addresses written.
    void store(const Vector& value) { stored_.push_back(line_of(value)); }

    const std::vector<Line>& lines() const { return lines_; }
    const std::vector<Constant>& constants() const { return constants_; }
    std::size_t addresses_read() const { return addresses_read_; }
    /// The lines whose vectors are written, in order of their addresses.
    const std::vector<std::uint32_t>& stored() const { return stored_; }

    Vector append(Operation operation, const Vector& a, const Vector& b);
    Vector append_select(const VectorComparison& condition, const Vector& chosen, const Vector& otherwise);
    /// The code that the first vector to come from one comes from.
    static VectorCode& of(std::initializer_list<const Vector*> vectors);

 private:
    Vector read(Operation operation);
    Vector append(const Line& line);
    std::uint32_t line_of(const Vector& vector);
    bool is_constant(std::uint32_t line, double number) const;

    std::vector<Line> lines_;
    std::vector<Constant> constants_;
    /// The line of each constant.
    std::vector<std::uint32_t> constant_lines_;
    std::vector<std::uint32_t> stored_;
    std::uint32_t addresses_read_ = 0;
};

}  // namespace duet
