#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

namespace duet {

/// The extents of a tensor's axes, outermost first. A scalar has no axes and one element.
/// Every extent is at least one and there are at most `max_rank` axes: a kernel may keep one index an axis in
/// a fixed array.
class Shape {
 public:
    static constexpr std::size_t max_rank = 8;

    Shape() = default;
    /// Throws ShapeError for an extent of zero, more than `max_rank` axes, or more elements than fit in
    /// memory.
    Shape(std::initializer_list<std::size_t> extents);
    explicit Shape(std::vector<std::size_t> extents);

    std::size_t rank() const { return extents_.size(); }
    std::size_t operator[](std::size_t axis) const { return extents_[axis]; }
    /// The number of elements: the product of the extents, one for a scalar.
    std::size_t elements() const { return elements_; }
    const std::vector<std::size_t>& extents() const { return extents_; }

    auto begin() const { return extents_.begin(); }
    auto end() const { return extents_.end(); }

    friend bool operator==(const Shape& a, const Shape& b) { return a.extents_ == b.extents_; }

 private:
    std::vector<std::size_t> extents_;
    std::size_t elements_ = 1;
};

/// The most bytes that a float32 tensor may take: more than any machine's address space leaves to a program.
inline constexpr std::size_t max_tensor_bytes = std::size_t{1} << 47;

/// Throws ShapeError for a shape of more than `max_tensor_bytes`.
void check_bytes(const Shape& shape);

/// "(128, 784)"; "()" for a scalar.
std::string to_string(const Shape& shape);

}  // namespace duet
