#include <duet/ops/shape_rules.hpp>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>

namespace duet {

namespace {

/// The extent of `axis` once the shape has `rank` axes, the new ones in front.
std::size_t aligned_extent(const Shape& shape, std::size_t rank, std::size_t axis) {
    const std::size_t added = rank - shape.rank();
    return axis < added ? 1 : shape[axis - added];
}

void expect_one_per_axis(const Shape& shape, std::size_t count, const char* what) {
    if (count != shape.rank())
        throw ShapeError(fmt::format("{} {} given for shape {}; give one for each of its {} axes", count,
                                     what, to_string(shape), shape.rank()));
}

/// Throws its rule when it is applied, and so never becomes a node.
class Rejection final : public Op {
 public:
    Rejection(std::string name, std::string rule) : name_(std::move(name)), rule_(std::move(rule)) {}
    std::string name() const override { return name_; }
    Shape shape(std::span<const Shape>) const override { throw ShapeError(rule_); }
    double flops(const Signature&) const override { return 0; }
    void run(const Kernel<float>&) const override {}
    void run(const Kernel<double>&) const override {}

 private:
    std::string name_;
    std::string rule_;
};

}  // namespace

Shape broadcast_shape(const Shape& a, const Shape& b) {
    const std::size_t rank = std::max(a.rank(), b.rank());
    std::vector<std::size_t> extents(rank);
    for (std::size_t axis = 0; axis < rank; ++axis) {
        const std::size_t in_a = aligned_extent(a, rank, axis), in_b = aligned_extent(b, rank, axis);
        if (in_a != in_b && in_a != 1 && in_b != 1)
            throw ShapeError(
                fmt::format("shapes {} and {} cannot be broadcast together: axis {} is {} and {}",
                            to_string(a), to_string(b), axis, in_a, in_b));
        extents[axis] = std::max(in_a, in_b);
    }
    return Shape(std::move(extents));
}

Shape broadcast_shape(std::span<const Shape> shapes) {
    Shape common;
    for (const Shape& shape : shapes) common = broadcast_shape(common, shape);
    return common;
}

bool can_broadcast(const Shape& from, const Shape& to) {
    if (from.rank() > to.rank()) return false;
    for (std::size_t axis = 0; axis < to.rank(); ++axis) {
        const std::size_t extent = aligned_extent(from, to.rank(), axis);
        if (extent != to[axis] && extent != 1) return false;
    }
    return true;
}

Shape broadcast_to_shape(const Shape& from, const Shape& to) {
    if (!can_broadcast(from, to))
        throw ShapeError(
            fmt::format("shape {} cannot be broadcast to {}: aligned at the last axis, each of its "
                        "extents must be 1 or the one it is broadcast to",
                        to_string(from), to_string(to)));
    return to;
}

void expect_pairs(const char* what, const Shape& a, const Shape& b) {
    if (a != b)
        throw ShapeError(fmt::format("{} have the shapes {} and {}, but must have one; reshape one of them",
                                     what, to_string(a), to_string(b)));
}

void expect_images(const Shape& shape) {
    if (shape.rank() != 4)
        throw ShapeError(
            fmt::format("shape {} must have four axes: (batch, channels, height, width)", to_string(shape)));
}

std::size_t normalized_axis(const Shape& shape, std::ptrdiff_t axis) {
    const auto rank = static_cast<std::ptrdiff_t>(shape.rank());
    if (rank == 0) throw ShapeError(fmt::format("there is no axis {} in shape (): a scalar has none", axis));
    if (axis < -rank || axis >= rank)
        throw ShapeError(
            fmt::format("there is no axis {} in shape {}; axes are from {} to {}, negative ones counted from "
                        "the end",
                        axis, to_string(shape), -rank, rank - 1));
    return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
}

Axes normalized_axes(const Shape& shape, Axes axes) {
    for (std::ptrdiff_t& axis : axes) axis = static_cast<std::ptrdiff_t>(normalized_axis(shape, axis));
    return axes;
}

Axes sorted_axes(const Shape& shape, Axes axes) {
    if (axes.empty()) {
        axes.resize(shape.rank());
        std::iota(axes.begin(), axes.end(), std::ptrdiff_t{0});
        return axes;
    }
    axes = normalized_axes(shape, std::move(axes));
    std::sort(axes.begin(), axes.end());
    const auto twice = std::adjacent_find(axes.begin(), axes.end());
    if (twice != axes.end()) throw ShapeError(fmt::format("axis {} is named twice, counted from 0", *twice));
    return axes;
}

Axes axes_between(std::size_t first, std::size_t last) {
    Axes axes(last - first);
    std::iota(axes.begin(), axes.end(), static_cast<std::ptrdiff_t>(first));
    return axes;
}

Shape reduced_shape(const Shape& shape, const Axes& axes) {
    const Axes reduced = normalized_axes(shape, axes);
    std::vector<std::size_t> extents;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis)
        if (std::find(reduced.begin(), reduced.end(), axis) == reduced.end()) extents.push_back(shape[axis]);
    return Shape(std::move(extents));
}

Shape with_unit_axes(const Shape& shape, const Axes& axes) {
    std::vector<std::size_t> extents(shape.extents());
    for (const std::ptrdiff_t axis : axes) extents[normalized_axis(shape, axis)] = 1;
    return Shape(std::move(extents));
}

Shape reshaped_shape(const Shape& from, const Shape& to) {
    if (from.elements() != to.elements())
        throw ShapeError(fmt::format("{} has {} elements and {} has {}; a reshape keeps their number",
                                     to_string(from), from.elements(), to_string(to), to.elements()));
    return to;
}

Shape transposed_shape(const Shape& shape, const Axes& axes) {
    expect_one_per_axis(shape, axes.size(), "axes are");
    if (!axes.empty()) sorted_axes(shape, axes);
    std::vector<std::size_t> extents;
    for (const std::ptrdiff_t axis : axes) extents.push_back(shape[normalized_axis(shape, axis)]);
    return Shape(std::move(extents));
}

Shape concat_shape(std::span<const Shape> shapes, std::ptrdiff_t along) {
    if (shapes.empty()) throw ShapeError("there is nothing to concatenate; give at least one tensor");
    const Shape& first = shapes.front();
    const std::size_t axis = normalized_axis(first, along);
    std::vector<std::size_t> extents(first.extents());
    extents[axis] = 0;
    for (const Shape& shape : shapes) {
        bool fits = shape.rank() == first.rank();
        for (std::size_t i = 0; fits && i < first.rank(); ++i) fits = i == axis || shape[i] == first[i];
        if (!fits)
            throw ShapeError(
                fmt::format("shapes {} and {} cannot be concatenated along axis {}: all other axes "
                            "must be equal",
                            to_string(first), to_string(shape), axis));
        extents[axis] += shape[axis];
    }
    return Shape(std::move(extents));
}

Shape slice_shape(const Shape& shape, const std::vector<std::size_t>& begin,
                  const std::vector<std::size_t>& end) {
    expect_one_per_axis(shape, begin.size(), "begins are");
    expect_one_per_axis(shape, end.size(), "ends are");
    std::vector<std::size_t> extents(shape.rank());
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
        if (begin[axis] >= end[axis] || end[axis] > shape[axis])
            throw ShapeError(fmt::format("[{}, {}) is no part of axis {} of shape {}", begin[axis], end[axis],
                                         axis, to_string(shape)));
        extents[axis] = end[axis] - begin[axis];
    }
    return Shape(std::move(extents));
}

Shape pad_shape(const Shape& shape, const std::vector<std::size_t>& before,
                const std::vector<std::size_t>& after) {
    expect_one_per_axis(shape, before.size(), "paddings before are");
    expect_one_per_axis(shape, after.size(), "paddings after are");
    std::vector<std::size_t> extents(shape.extents());
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
        for (const std::size_t added : {before[axis], after[axis]})
            if (__builtin_add_overflow(extents[axis], added, &extents[axis]))
                throw ShapeError(fmt::format("axis {} padded by {} and {} is longer than memory can address",
                                             axis, before[axis], after[axis]));
    }
    return Shape(std::move(extents));
}

void expect_countable(const char* what, std::size_t places) {
    constexpr std::size_t most = std::size_t{1} << 24;
    if (places > most)
        throw ShapeError(
            fmt::format("there are {} {}, but indices travel in the element type, and float has "
                        "not all whole numbers beyond 2^24 = {}: at most so many can be told "
                        "apart; split them",
                        places, what, most));
}

Shape gather_shape(const Shape& table, const Shape& indices) {
    if (table.rank() == 0)
        throw ShapeError("the table is a scalar; it needs a first axis to take rows along");
    expect_countable("rows of the table", table[0]);
    std::vector<std::size_t> extents(indices.extents());
    extents.insert(extents.end(), table.begin() + 1, table.end());
    return Shape(std::move(extents));
}

Shape scatter_shape(const Shape& values, const Shape& indices, std::size_t rows) {
    if (indices.rank() > values.rank() || !std::equal(indices.begin(), indices.end(), values.begin()))
        throw ShapeError(fmt::format("shape {} of the values does not begin with the indices' {}",
                                     to_string(values), to_string(indices)));
    expect_countable("rows", rows);
    std::vector<std::size_t> extents{rows};
    extents.insert(extents.end(), values.begin() + static_cast<std::ptrdiff_t>(indices.rank()), values.end());
    return Shape(std::move(extents));
}

Shape one_hot_shape(const Shape& indices, std::size_t depth) {
    expect_countable("classes", depth);
    std::vector<std::size_t> extents(indices.extents());
    extents.push_back(depth);
    return Shape(std::move(extents));
}

void reject(const std::string& builder, const std::string& rule, std::span<const Tensor> arguments,
            Where where) {
    arguments.front().graph().apply(std::make_shared<Rejection>(builder, rule), arguments, where);
    std::abort();
}

}  // namespace duet
