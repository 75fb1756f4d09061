#include <duet/ops/moments.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/channel_affine.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 15;
constexpr std::size_t strip = 512;       // partial sums that stay in the first-level cache
constexpr std::size_t lanes = 64;        // partial sums of a run
constexpr std::size_t rows_in_run = 64;  // rows added one after another before their sum joins the others'

/// sums[j] += the sum over rows of term(from[row * stride + j], j), for at most `strip` columns.
template <class T, class Term>
void add_rows(const T* from, std::size_t rows, std::size_t stride, std::size_t columns, T* sums,
              const Term& term) {
    T run[strip];
    for (std::size_t begin = 0; begin < rows; begin += rows_in_run) {
        const std::size_t end = std::min(begin + rows_in_run, rows);
        std::fill_n(run, columns, T(0));
        std::size_t i = begin;
        for (; i + 4 <= end; i += 4) {
            const T* row = from + i * stride;
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t j = 0; j < columns; ++j)
                run[j] += (term(row[j], j) + term(row[stride + j], j)) +
                          (term(row[2 * stride + j], j) + term(row[3 * stride + j], j));
        }
        for (; i < end; ++i) {
            const T* row = from + i * stride;
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t j = 0; j < columns; ++j) run[j] += term(row[j], j);
        }
        DUET_INDEPENDENT_ITERATIONS
        for (std::size_t j = 0; j < columns; ++j) sums[j] += run[j];
    }
}

/// The sum of n > 0 values, pairwise; overwrites them.
template <class T>
T fold(T* values, std::size_t n) {
    while (n > 1) {
        const std::size_t half = n / 2, upper = n - half;
        DUET_INDEPENDENT_ITERATIONS
        for (std::size_t j = 0; j < half; ++j) values[j] += values[upper + j];
        n = upper;
    }
    return values[0];
}

/// A tensor seen as (outer, channels, inner), of which the channels stay.
struct Partition {
    std::size_t outer = 1, channels = 1, inner = 1;

    Partition(const Shape& shape, std::size_t first, std::size_t last) {
        for (std::size_t axis = 0; axis < shape.rank(); ++axis)
            (axis < first ? outer : axis < last ? channels : inner) *= shape[axis];
    }
    std::size_t terms() const { return outer * inner; }
    std::size_t runs() const { return outer * channels; }
    /// True if a tile takes whole channels, side by side in the rows of `outer`; otherwise it takes runs of
    /// `inner` elements, whose moments are combined last.
    bool abreast() const { return outer > 1 && inner <= strip; }
    Pieces tiles() const {
        return abreast() ? row_pieces(channels, inner, strip) : row_pieces(runs(), inner, elements_per_tile);
    }
    /// A mean and a sum of squared deviations a run.
    std::size_t workspace() const { return outer == 1 || abreast() ? 0 : 2 * runs(); }
};

/// One of the two along the first axis of `both`, under another shape.
Tensor part_of(const Tensor& both, std::size_t which, const Shape& shape) {
    std::vector<std::size_t> begin(both.shape().rank(), 0), end = both.shape().extents();
    begin[0] = which;
    end[0] = which + 1;
    return reshape(slice(both, begin, end), shape);
}

/// The shape of each of the two.
Shape kept_shape(const Tensor& both) {
    return Shape(std::vector<std::size_t>(both.shape().begin() + 1, both.shape().end()));
}

/// The mean over all axes but first, ..., last - 1, and behind it the variance, along a new first axis: both
/// are made while a tile's channels are in cache.
class Moments final : public OpOf<Moments> {
 public:
    Moments(std::size_t first, std::size_t last) : first_(first), last_(last) {}
    std::string name() const override { return "moments"; }
    Attributes attributes() const override { return {{"kept_axes", axes_between(first_, last_)}}; }
    Shape shape(std::span<const Shape> inputs) const override {
        std::vector<std::size_t> extents{2};
        for (std::size_t axis = first_; axis < last_; ++axis) extents.push_back(inputs[0][axis]);
        return Shape(std::move(extents));
    }
    double flops(const Signature& signature) const override {
        return 4 * static_cast<double>(signature.inputs[0].elements());
    }
    std::size_t tiles(const Signature& signature) const override {
        return Partition(signature.inputs[0], first_, last_).tiles().count();
    }
    /// With n terms, seed s of the mean and t of the variance: s / n + 2 t / n (x - mean), the constants of a
    /// channel taken together.
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        const Tensor& x = application.inputs[0];
        const auto terms = static_cast<double>(Partition(x.shape(), first_, last_).terms());
        const Shape kept = kept_shape(application.output);
        const Tensor slope = part_of(seed, 1, kept) * (2 / terms);
        const Tensor mean = part_of(application.output, 0, kept);
        return channel_affine(x, first_, slope, part_of(seed, 0, kept) * (1 / terms) - mean * slope);
    }
    std::size_t workspace(const Signature& signature) const override {
        return Partition(signature.inputs[0], first_, last_).workspace();
    }
    void finish(const Kernel<float>& kernel) const override { combine_runs(kernel); }
    void finish(const Kernel<double>& kernel) const override { combine_runs(kernel); }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Partition by(kernel.input_shapes[0], first_, last_);
        const Range range = by.tiles()[kernel.tile];
        const T* from = kernel.inputs[0] + range.begin * by.inner;
        if (by.abreast()) {
            T* mean = kernel.output + range.begin;
            return compute_abreast(by, from, range.size(), mean, mean + by.channels);
        }
        T* const means = by.outer == 1 ? kernel.output : kernel.workspace;
        for (std::size_t run = range.begin; run < range.end; ++run, from += by.inner) {
            const T mean = total(from, by.inner, Identity()) / static_cast<T>(by.inner);
            const T squares = total(from, by.inner, SquaredDeviation<T>{mean});
            means[run] = mean;
            means[by.runs() + run] = by.outer == 1 ? squares / static_cast<T>(by.inner) : squares;
        }
    }

 private:
    struct Identity {
        template <class T>
        T operator()(T x, std::size_t) const {
            return x;
        }
    };
    template <class T>
    struct SquaredDeviation {
        T mean;
        T operator()(T x, std::size_t) const { return (x - mean) * (x - mean); }
    };
    template <class T>
    struct SquaredDeviations {
        const T* means;
        T operator()(T x, std::size_t j) const { return (x - means[j]) * (x - means[j]); }
    };

    template <class T>
    static void compute_abreast(const Partition& by, const T* from, std::size_t channels, T* mean,
                                T* variance) {
        const std::size_t columns = channels * by.inner, stride = by.channels * by.inner;
        const T terms = static_cast<T>(by.terms());
        T sums[strip] = {}, means[strip] = {};
        add_rows(from, by.outer, stride, columns, sums, Identity());
        for (std::size_t channel = 0; channel < channels; ++channel) {
            mean[channel] = fold(sums + channel * by.inner, by.inner) / terms;
            std::fill_n(means + channel * by.inner, by.inner, mean[channel]);
        }
        std::fill_n(sums, columns, T(0));
        add_rows(from, by.outer, stride, columns, sums, SquaredDeviations<T>{means});
        for (std::size_t channel = 0; channel < channels; ++channel)
            variance[channel] = fold(sums + channel * by.inner, by.inner) / terms;
    }

    /// The sum of `term` over a run of n elements, taken as rows of at most `lanes`.
    template <class T, class Term>
    static T total(const T* from, std::size_t n, const Term& term) {
        const std::size_t columns = std::min(n, lanes), rows = n / columns, rest = n % columns;
        T sums[lanes] = {};
        add_rows(from, rows, columns, columns, sums, term);
        add_rows(from + rows * columns, rest > 0 ? 1 : 0, 0, rest, sums, term);
        return fold(sums, columns);
    }

    /// The moments of channels from those of their runs (Chan, Golub and LeVeque 1979): the mean of the
    /// means; the squares of all runs, and the squared deviations of their means, each for a run's elements.
    template <class T>
    void combine_runs(const Kernel<T>& kernel) const {
        const Partition by(kernel.input_shapes[0], first_, last_);
        if (by.workspace() == 0) return;
        const T inner = static_cast<T>(by.inner), terms = static_cast<T>(by.terms());
        for (std::size_t begin = 0; begin < by.channels; begin += strip) {
            const std::size_t columns = std::min(strip, by.channels - begin);
            const T* const run_means = kernel.workspace + begin;
            T *means = kernel.output + begin, *variances = means + by.channels;
            T sums[strip] = {}, deviations[strip] = {};
            add_rows(run_means, by.outer, by.channels, columns, sums, Identity());
            for (std::size_t j = 0; j < columns; ++j) means[j] = sums[j] / static_cast<T>(by.outer);
            add_rows(run_means, by.outer, by.channels, columns, deviations, SquaredDeviations<T>{means});
            std::fill_n(sums, columns, T(0));
            add_rows(run_means + by.runs(), by.outer, by.channels, columns, sums, Identity());
            for (std::size_t j = 0; j < columns; ++j)
                variances[j] = (sums[j] + inner * deviations[j]) / terms;
        }
    }

    std::size_t first_, last_;
};

/// The axes that stay as a range [first, last).
std::pair<std::size_t, std::size_t> kept_range(const Shape& shape, const Axes& axes) {
    const Axes reduced = sorted_axes(shape, axes);
    const std::size_t kept = shape.rank() - reduced.size();
    const auto axis = [&](std::size_t i) { return static_cast<std::size_t>(reduced[i]); };
    std::size_t first = 0;
    while (kept > 0 && first < reduced.size() && axis(first) == first) ++first;
    if (first < reduced.size() && axis(first) < first + kept)
        throw ShapeError(fmt::format(
            "the axes of shape {} that stay are not adjacent; transpose the tensor first", to_string(shape)));
    return {first, first + kept};
}

}  // namespace

MeanAndVariance moments(Operand x, const Axes& axes) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    const auto range =
        in_words_of("moments", {&input, 1}, {}, [&] { return kept_range(input.shape(), axes); });
    const Tensor both = apply(std::make_shared<Moments>(range.first, range.second), {input});
    const Shape kept = kept_shape(both);
    return {part_of(both, 0, kept), part_of(both, 1, kept)};
}

}  // namespace duet
