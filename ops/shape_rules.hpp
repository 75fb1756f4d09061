#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <duet/graph/error.hpp>
#include <duet/graph/shape.hpp>
#include <duet/graph/tensor.hpp>

namespace duet {

/// Axes of a tensor: counted from 0 at the outermost or, where negative, from -1 at the innermost, as in
/// NumPy.
using Axes = std::vector<std::ptrdiff_t>;

/// The rules by which ops derive their output's shape: functions of shapes alone. Each throws ShapeError with
/// the rule that is broken and the extents that break it; the graph adds the op, the arguments and the lines.

/// NumPy's rule: shapes are aligned at their last axes, missing axes in front count as 1, and along each axis
/// the extents must be equal or one of them 1.
Shape broadcast_shape(const Shape& a, const Shape& b);
Shape broadcast_shape(std::span<const Shape> shapes);

/// True if a tensor of shape `from` can be repeated to shape `to`.
bool can_broadcast(const Shape& from, const Shape& to);
/// Returns `to`; throws if `from` cannot be repeated to it.
Shape broadcast_to_shape(const Shape& from, const Shape& to);

/// Throws unless both have one shape: where a builder means pairs, and broadcasting (n, 1) with (n) would
/// make (n, n) of them. `what` names both, such as "logits and targets".
void expect_pairs(const char* what, const Shape& a, const Shape& b);

/// Throws unless the shape has the four axes of images.
void expect_images(const Shape& shape);

/// The axis counted from 0. Throws for one that the shape does not have.
std::size_t normalized_axis(const Shape& shape, std::ptrdiff_t axis);
/// Each of `axes` counted from 0. Throws likewise.
Axes normalized_axes(const Shape& shape, Axes axes);
/// `axes` counted from 0 in ascending order, all of the shape's axes if none is named. Throws for an axis
/// that the shape does not have or that is named twice.
Axes sorted_axes(const Shape& shape, Axes axes);
/// first, ..., last - 1.
Axes axes_between(std::size_t first, std::size_t last);
/// The shape without `axes`.
Shape reduced_shape(const Shape& shape, const Axes& axes);
/// The shape with an extent of 1 at each of `axes`.
Shape with_unit_axes(const Shape& shape, const Axes& axes);

/// Returns `to`; throws if it has another number of elements.
Shape reshaped_shape(const Shape& from, const Shape& to);
/// Axis i of the result is axis axes[i] of the argument; `axes` must name each axis once.
Shape transposed_shape(const Shape& shape, const Axes& axes);
/// The arguments one after another along an axis; they must agree in all others.
Shape concat_shape(std::span<const Shape> shapes, std::ptrdiff_t along);
/// Elements begin[i], ..., end[i] - 1 along each axis i.
Shape slice_shape(const Shape& shape, const std::vector<std::size_t>& begin,
                  const std::vector<std::size_t>& end);
/// before[i] elements in front of axis i and after[i] behind it.
Shape pad_shape(const Shape& shape, const std::vector<std::size_t>& before,
                const std::vector<std::size_t>& after);

/// Throws if indices of so many places could not be told apart: they travel in the element type, and float
/// has not all whole numbers beyond 2^24. `what` names the places, such as "rows of the table".
void expect_countable(const char* what, std::size_t places);
/// (r, ...) taken at indices of any shape: the indices' axes followed by the table's without its first.
Shape gather_shape(const Shape& table, const Shape& indices);
/// The shape of the table whose gather has the shape of `values`: `rows` rows.
Shape scatter_shape(const Shape& values, const Shape& indices, std::size_t rows);
/// The indices' axes and one of `depth`.
Shape one_hot_shape(const Shape& indices, std::size_t depth);

/// Throws `rule` as the graph would if an op of that name had thrown it when applied to `arguments`: for
/// builders composed of several ops.
[[noreturn]] void reject(const std::string& builder, const std::string& rule,
                         std::span<const Tensor> arguments, Where where);

/// What `rule` returns; a ShapeError that it throws is thrown as by `reject`.
template <class Rule>
auto in_words_of(const std::string& builder, std::span<const Tensor> arguments, Where where,
                 const Rule& rule) {
    std::string broken;
    try {
        return rule();
    } catch (const ShapeError& error) {
        broken = error.what();
    }
    reject(builder, broken, arguments, where);
}

}  // namespace duet
