#include <duet/ops/reduce.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <optional>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/stop_gradient.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 12;
constexpr std::size_t fewest_part_elements = 1 << 10;
constexpr std::size_t most_part_elements = 1 << 15;
constexpr std::size_t fewest_part_terms = 8;
constexpr std::size_t strip = 256;       // columns whose partial results stay in the first-level cache
constexpr std::size_t narrow = 64;       // fewer columns are too few for a vector loop of their own
constexpr std::size_t run_chunk = 4096;  // terms combined lane by lane before pairwise
constexpr std::size_t row_chunk = 256;
constexpr std::size_t longest_short_run = 512;
constexpr std::size_t fewest_rows = 8;

/// A tensor seen as (outer, terms, columns), of which the terms are combined, and how that is cut into tiles,
/// each of which reads one region. Where there is little beside the terms to share out, a tile takes one of
/// `parts` of the terms; otherwise it takes `units` outer indices, or one outer index and a strip of columns.
/// Counts of rows are powers of two, so that these tiles nest in those of the product that makes the input.
struct Partition {
    std::size_t outer = 1, terms = 1, columns = 1;
    std::size_t parts = 1, part_terms, units = 1, strips = 1;

    Partition(const Shape& input, std::size_t first, std::size_t last) {
        for (std::size_t axis = 0; axis < input.rank(); ++axis)
            (axis < first ? outer : axis < last ? terms : columns) *= input[axis];
        part_terms = terms;
        const std::size_t width = std::min(columns, strip), strips_of_all = ceil_divide(columns, strip);
        if (outer * strips_of_all < 16 && terms * columns > 2 * fewest_part_elements) {
            const std::size_t fewest =
                std::max(std::bit_ceil(fewest_part_elements / width), fewest_part_terms);
            const std::size_t most = std::max(std::bit_floor(most_part_elements / width), fewest);
            part_terms = std::clamp(std::bit_floor(std::max<std::size_t>(terms / 64, 1)), fewest, most);
            parts = ceil_divide(terms, part_terms);
            part_terms = std::min(part_terms, terms);
        }
        if (parts > 1) return;
        if (columns > strip && outer < 16)
            strips = strips_of_all;
        else
            units = std::bit_floor(std::max<std::size_t>(elements_per_tile / (terms * columns), 1));
    }
    std::size_t groups() const { return ceil_divide(outer, units); }
    std::size_t tiles() const { return groups() * parts * strips; }
    std::size_t workspace() const { return parts > 1 ? parts * outer * columns : 0; }

    /// What a tile covers: outer indices, terms and columns from the first of each.
    struct Tile {
        std::size_t outer, term, column;
        std::size_t outers, terms, columns;
        std::size_t part;
    };
    Tile tile(std::size_t index) const {
        const std::size_t in_group = index % (parts * strips), part = in_group / strips;
        const std::size_t begin = index / (parts * strips) * units;
        const std::size_t column = in_group % strips * strip;
        return {begin,
                part * part_terms,
                column,
                std::min(units, outer - begin),
                std::min(part_terms, terms - part * part_terms),
                strips > 1 ? std::min(strip, columns - column) : columns,
                part};
    }
    Region region(const Tile& tile) const {
        const std::size_t begin = (tile.outer * terms + tile.term) * columns + tile.column;
        if (tile.columns == columns) {
            const std::size_t length = tile.outers * tile.terms * columns;
            return {begin, 1, length, length};
        }
        return {begin, tile.terms, columns, tile.columns};
    }
};

struct Plus {
    template <class T>
    static T combine(T a, T b) {
        return a + b;
    }
};

struct Larger {
    template <class T>
    static T combine(T a, T b) {
        const T larger = a > b ? a : b;
        return a != a ? a : larger;
    }
};

/// Combines n > 0 consecutive terms.
template <class By, class T>
T combine_run(const T* terms, std::size_t n) {
    constexpr std::size_t wide = 64, lanes = 16;
    if (n > run_chunk) {
        const std::size_t half = ceil_divide(n / 2, run_chunk) * run_chunk;
        return By::combine(combine_run<By>(terms, half), combine_run<By>(terms + half, n - half));
    }
    if (n < lanes) {
        T result = terms[0];
        for (std::size_t i = 1; i < n; ++i) result = By::combine(result, terms[i]);
        return result;
    }
    T lane[lanes];
    std::size_t i = lanes;
    if (n >= wide) {
        T sums[wide];
        std::copy_n(terms, wide, sums);
        for (i = wide; i + wide <= n; i += wide)
            for (std::size_t k = 0; k < wide; ++k) sums[k] = By::combine(sums[k], terms[i + k]);
        for (std::size_t k = 0; k < wide / 2; ++k) sums[k] = By::combine(sums[k], sums[k + wide / 2]);
        for (std::size_t k = 0; k < lanes; ++k) lane[k] = By::combine(sums[k], sums[k + lanes]);
    } else {
        std::copy_n(terms, lanes, lane);
    }
    for (; i + lanes <= n; i += lanes)
        for (std::size_t k = 0; k < lanes; ++k) lane[k] = By::combine(lane[k], terms[i + k]);
    for (std::size_t k = 0; i < n; ++i, ++k) lane[k] = By::combine(lane[k], terms[i]);
    for (std::size_t width = lanes / 2; width > 0; width /= 2)
        for (std::size_t k = 0; k < width; ++k) lane[k] = By::combine(lane[k], lane[k + width]);
    return lane[0];
}

/// Combines rows > 0 rows, `stride` apart, column by column, for at most `strip` columns.
template <class By, class T>
void combine_rows(const T* __restrict terms, std::size_t rows, std::size_t stride, std::size_t columns,
                  T* __restrict result) {
    if (rows > row_chunk) {
        const std::size_t half = ceil_divide(rows / 2, row_chunk) * row_chunk;
        T rest[strip];
        combine_rows<By>(terms, half, stride, columns, result);
        combine_rows<By>(terms + half * stride, rows - half, stride, columns, rest);
        for (std::size_t j = 0; j < columns; ++j) result[j] = By::combine(result[j], rest[j]);
        return;
    }
    std::copy_n(terms, columns, result);
    std::size_t i = 1;
    for (; i + 4 <= rows; i += 4) {
        const T* row = terms + i * stride;
        for (std::size_t j = 0; j < columns; ++j) {
            const T first = By::combine(row[j], row[stride + j]);
            const T second = By::combine(row[2 * stride + j], row[3 * stride + j]);
            result[j] = By::combine(result[j], By::combine(first, second));
        }
    }
    for (; i < rows; ++i)
        for (std::size_t j = 0; j < columns; ++j) result[j] = By::combine(result[j], terms[i * stride + j]);
}

/// Combines dense rows of few columns: several of them are taken as one wide row, whose parts are combined
/// last.
template <class By, class T>
void combine_narrow_rows(const T* terms, std::size_t rows, std::size_t columns, T* result) {
    const std::size_t fold = strip / columns, width = fold * columns;
    if (rows < fold) return combine_rows<By>(terms, rows, columns, columns, result);
    T wide[strip];
    combine_rows<By>(terms, rows / fold, width, width, wide);
    const std::size_t rest = rows % fold * columns;
    const T* last = terms + (rows * columns - rest);
    for (std::size_t j = 0; j < rest; ++j) wide[j] = By::combine(wide[j], last[j]);
    combine_rows<By>(wide, fold, columns, columns, result);
}

/// Combines the axes first, ..., last - 1, which go away.
template <class Derived, class By>
class ReductionOf : public OpOf<Derived> {
 public:
    ReductionOf(std::size_t first, std::size_t last) : first_(first), last_(last) {}
    Attributes attributes() const override { return {{"axes", axes_between(first_, last_)}}; }
    Shape shape(std::span<const Shape> inputs) const override { return reduced_shape(inputs[0], axes()); }
    double flops(const Signature& signature) const override {
        return static_cast<double>(signature.inputs[0].elements());
    }
    std::size_t tiles(const Signature& signature) const override {
        return partition(signature.inputs[0]).tiles();
    }
    std::size_t workspace(const Signature& signature) const override {
        return partition(signature.inputs[0]).workspace();
    }
    bool accepts_prologue() const override { return true; }
    std::optional<Region> region_read(const Signature& signature, std::size_t,
                                      std::size_t tile) const override {
        const Partition by = partition(signature.inputs[0]);
        return by.region(by.tile(tile));
    }
    void finish(const Kernel<float>& kernel) const override { combine_parts(kernel); }
    void finish(const Kernel<double>& kernel) const override { combine_parts(kernel); }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Partition by = partition(kernel.input_shapes[0]);
        const Partition::Tile tile = by.tile(kernel.tile);
        // A region of whole rows is dense; its rows are then as long as the columns.
        const std::size_t stride = tile.columns == by.columns ? by.columns : kernel.region_stride;
        T* results = by.parts > 1 ? kernel.workspace + tile.part * by.outer * by.columns : kernel.output;
        results += tile.outer * by.columns + tile.column;
        const T* from = kernel.region;
        for (std::size_t outer = 0; outer < tile.outers; ++outer) {
            if (by.columns == 1)
                *results = combine_run<By>(from, tile.terms);
            else if (by.columns < narrow)
                combine_narrow_rows<By>(from, tile.terms, by.columns, results);
            else
                for (std::size_t column = 0; column < tile.columns; column += strip)
                    combine_rows<By>(from + column, tile.terms, stride,
                                     std::min(strip, tile.columns - column), results + column);
            from += tile.terms * stride;
            results += by.columns;
        }
    }

 protected:
    Axes axes() const { return axes_between(first_, last_); }
    /// A tensor of the output's shape repeated to the input's.
    Tensor repeat(const Tensor& reduced, Shape input) const {
        return broadcast_to(reshape(reduced, with_unit_axes(input, axes())), input);
    }

 private:
    Partition partition(const Shape& input) const { return Partition(input, first_, last_); }

    template <class T>
    void combine_parts(const Kernel<T>& kernel) const {
        const Partition by = partition(kernel.input_shapes[0]);
        if (by.parts == 1) return;
        const std::size_t count = by.outer * by.columns;
        if (count == 1) {
            *kernel.output = combine_run<By>(kernel.workspace, by.parts);
            return;
        }
        for (std::size_t begin = 0; begin < count; begin += strip)
            combine_rows<By>(kernel.workspace + begin, by.parts, count, std::min(strip, count - begin),
                             kernel.output + begin);
    }

    std::size_t first_, last_;
};

class Sum final : public ReductionOf<Sum, Plus> {
 public:
    using ReductionOf::ReductionOf;
    std::string name() const override { return "sum"; }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return repeat(seed, application.inputs[0].shape());
    }
};

class Max final : public ReductionOf<Max, Larger> {
 public:
    using ReductionOf::ReductionOf;
    std::string name() const override { return "max"; }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        const Tensor& x = application.inputs[0];
        const Tensor largest = equal(x, repeat(application.output, x.shape()));
        return largest * repeat(seed / sum(largest, axes()), x.shape());
    }
};

/// The axes named in order, or all; checked in the words of the builder that the user called.
Axes checked_axes(const char* builder, const Tensor& x, const Axes& axes) {
    return in_words_of(builder, {&x, 1}, {}, [&] { return sorted_axes(x.shape(), axes); });
}

/// The number of axes at the end of `axes` that are adjacent.
std::size_t adjacent_at_end(const Axes& axes) {
    std::size_t count = 1;
    while (count < axes.size() && axes[axes.size() - count] == axes[axes.size() - count - 1] + 1) ++count;
    return count;
}

/// The number of axes at the beginning of `axes` that are adjacent.
std::size_t adjacent_at_begin(const Axes& axes) {
    std::size_t count = 1;
    while (count < axes.size() && axes[count] == axes[count - 1] + 1) ++count;
    return count;
}

/// The number of elements along the axes first, ..., last - 1.
std::size_t extent_of(const Shape& shape, std::size_t first, std::size_t last) {
    std::size_t elements = 1;
    for (std::size_t axis = first; axis < last; ++axis) elements *= shape[axis];
    return elements;
}

/// One sum for each range of adjacent axes: the last range first, unless its runs are so short that the rows
/// of the first are added faster.
Tensor reduce_sum(Tensor x, Axes axes, bool keep_axes) {
    const Shape kept = with_unit_axes(x.shape(), axes);
    while (!axes.empty()) {
        const std::size_t leading = adjacent_at_begin(axes), trailing = adjacent_at_end(axes);
        const std::size_t run = extent_of(x.shape(), axes[axes.size() - trailing], x.shape().rank());
        const std::size_t rows = extent_of(x.shape(), axes[0], axes[leading - 1] + 1);
        const bool rows_first = run <= longest_short_run && rows >= fewest_rows;
        const std::size_t at = rows_first ? 0 : axes.size() - trailing;
        const auto count = static_cast<std::ptrdiff_t>(rows_first ? leading : trailing);
        const std::ptrdiff_t first = axes[at];
        x = apply(std::make_shared<Sum>(first, first + count), {x});
        const auto removed = axes.begin() + static_cast<std::ptrdiff_t>(at);
        axes.erase(removed, removed + count);
        for (std::ptrdiff_t& axis : axes)
            if (axis > first) axis -= count;
    }
    return keep_axes ? reshape(x, kept) : x;
}

/// Axes that are not adjacent are brought to the end first: taken one by one, they would not share ties
/// equally.
Tensor reduce_max(Tensor x, const Axes& axes, bool keep_axes) {
    if (axes.empty()) return x;
    const Shape kept = with_unit_axes(x.shape(), axes);
    std::size_t last = axes.back() + 1;
    if (adjacent_at_end(axes) < axes.size()) {
        Axes order;
        for (std::size_t axis = 0; axis < x.shape().rank(); ++axis)
            if (std::find(axes.begin(), axes.end(), axis) == axes.end()) order.push_back(axis);
        order.insert(order.end(), axes.begin(), axes.end());
        x = transpose(x, order);
        last = order.size();
    }
    x = apply(std::make_shared<Max>(last - axes.size(), last), {x});
    return keep_axes ? reshape(x, kept) : x;
}

}  // namespace

Tensor sum(Operand x, const Axes& axes, bool keep_axes) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    return reduce_sum(input, checked_axes("sum", input, axes), keep_axes);
}

Tensor mean(Operand x, const Axes& axes, bool keep_axes) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    const Tensor total = reduce_sum(input, checked_axes("mean", input, axes), keep_axes);
    return total *
           (static_cast<double>(total.shape().elements()) / static_cast<double>(input.shape().elements()));
}

Tensor max(Operand x, const Axes& axes, bool keep_axes) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    return reduce_max(input, checked_axes("max", input, axes), keep_axes);
}

Tensor logsumexp(Operand x, const Axes& axes, bool keep_axes) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    const Axes checked = checked_axes("logsumexp", input, axes);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const Tensor largest = reduce_max(input, checked, true);
    const Tensor shift = stop_gradient(where(equal(abs(largest), infinity), 0.0, largest));
    const Tensor total = reduce_sum(exp(input - shift), checked, true);
    // The logarithm of 0 is not only passed over: its gradient would still be infinity times 0.
    const Tensor empty = equal(largest, -infinity);
    const Tensor result = where(empty, -infinity, log(where(empty, 1.0, total)) + shift);
    return keep_axes ? result : reshape(result, reduced_shape(input.shape(), checked));
}

}  // namespace duet
