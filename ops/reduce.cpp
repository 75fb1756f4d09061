#include <duet/ops/reduce.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/stop_gradient.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 15;
constexpr std::size_t strip = 256;       // columns whose partial results stay in the first-level cache
constexpr std::size_t narrow = 64;       // fewer columns are too few for a vector loop of their own
constexpr std::size_t run_chunk = 4096;  // terms combined lane by lane before pairwise
constexpr std::size_t row_chunk = 256;

/// A tensor seen as (outer, terms, columns), of which the terms are combined, and how that is cut into tiles:
/// each takes `units` pairs of an outer index and a strip of columns, and one of `parts` of their terms.
struct Partition {
    std::size_t outer = 1, terms = 1, columns = 1;
    std::size_t strips, parts, part_terms, units, groups;

    Partition(const Shape& input, std::size_t first, std::size_t last) {
        for (std::size_t axis = 0; axis < input.rank(); ++axis)
            (axis < first ? outer : axis < last ? terms : columns) *= input[axis];
        strips = (columns + strip - 1) / strip;
        const std::size_t unit_elements = terms * std::min(columns, strip);
        parts = 1;
        if (outer * strips < 16)
            parts = std::min<std::size_t>((unit_elements + elements_per_tile - 1) / elements_per_tile, 64);
        part_terms = (terms + parts - 1) / parts;
        parts = (terms + part_terms - 1) / part_terms;
        units = parts > 1 ? 1 : std::max<std::size_t>(1, elements_per_tile / unit_elements);
        groups = (outer * strips + units - 1) / units;
    }
    std::size_t tiles() const { return groups * parts; }
    std::size_t workspace() const { return parts > 1 ? parts * outer * columns : 0; }
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
        const std::size_t half = (n / 2 + run_chunk - 1) / run_chunk * run_chunk;
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
        const std::size_t half = (rows / 2 + row_chunk - 1) / row_chunk * row_chunk;
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
    std::string attributes() const override { return fmt::format("axes=[{}, {})", first_, last_); }
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
    void finish(const Kernel<float>& kernel) const override { combine_parts(kernel); }
    void finish(const Kernel<double>& kernel) const override { combine_parts(kernel); }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Partition by = partition(kernel.input_shapes[0]);
        const std::size_t part = kernel.tile % by.parts, group = kernel.tile / by.parts;
        const std::size_t begin = part * by.part_terms, terms = std::min(by.part_terms, by.terms - begin);
        T* const results = by.parts > 1 ? kernel.workspace + part * by.outer * by.columns : kernel.output;
        const std::size_t end = std::min((group + 1) * by.units, by.outer * by.strips);
        for (std::size_t unit = group * by.units; unit < end; ++unit) {
            const std::size_t outer = unit / by.strips, column = unit % by.strips * strip;
            const T* from = kernel.inputs[0] + (outer * by.terms + begin) * by.columns + column;
            T* to = results + outer * by.columns + column;
            if (by.columns == 1) {
                *to = combine_run<By>(from, terms);
            } else if (by.columns < narrow) {
                combine_narrow_rows<By>(from, terms, by.columns, to);
            } else {
                combine_rows<By>(from, terms, by.columns, std::min(strip, by.columns - column), to);
            }
        }
    }

 protected:
    Axes axes() const {
        Axes axes;
        for (std::size_t axis = first_; axis < last_; ++axis) axes.push_back(axis);
        return axes;
    }
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
    std::string broken;
    try {
        return sorted_axes(x.shape(), axes);
    } catch (const ShapeError& rule) {
        broken = rule.what();
    }
    reject(builder, broken, {&x, 1}, {});
}

/// The number of axes at the end of `axes` that are adjacent.
std::size_t adjacent_at_end(const Axes& axes) {
    std::size_t count = 1;
    while (count < axes.size() && axes[axes.size() - count] == axes[axes.size() - count - 1] + 1) ++count;
    return count;
}

/// One sum for each range of adjacent axes, the last range first.
Tensor reduce_sum(Tensor x, Axes axes, bool keep_axes) {
    const Shape kept = with_unit_axes(x.shape(), axes);
    while (!axes.empty()) {
        const std::size_t last = axes.back() + 1, count = adjacent_at_end(axes);
        x = apply(std::make_shared<Sum>(last - count, last), {x});
        axes.resize(axes.size() - count);
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
    const Tensor largest = reduce_max(input, checked, true);
    const Tensor infinite = equal(abs(largest), std::numeric_limits<double>::infinity());
    const Tensor shift = stop_gradient(where(infinite, 0.0, largest));
    const Tensor result = log(reduce_sum(exp(input - shift), checked, true)) + shift;
    return keep_axes ? result : reshape(result, reduced_shape(input.shape(), checked));
}

}  // namespace duet
