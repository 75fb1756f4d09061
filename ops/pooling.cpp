#include <duet/ops/pooling.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/places.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 14;

Pool2d with_strides(Pool2d how) {
    for (std::size_t axis = 0; axis < 2; ++axis)
        if (how.stride[axis] == 0) how.stride[axis] = how.kernel[axis];
    return how;
}

Attributes attributes_of(const Pool2d& how) {
    return {{"kernel", how.kernel}, {"stride", how.stride}, {"padding", how.padding}};
}

/// One element a window over x of that shape.
Shape pooled_shape(const Shape& shape, const Pool2d& how) {
    expect_images(shape);
    std::vector<std::size_t> extents(shape.extents());
    for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::size_t kernel = how.kernel[axis], padding = how.padding[axis], extent = shape[axis + 2];
        if (kernel == 0) throw ShapeError(fmt::format("the kernel is 0 along axis {}", axis + 2));
        if (padding > kernel / 2)
            throw ShapeError(fmt::format("a padding of {} along axis {} is more than half the kernel's {}",
                                         padding, axis + 2, kernel));
        if (kernel > extent + 2 * padding)
            throw ShapeError(
                fmt::format("the kernel of {} is larger than axis {} of shape {}, padded by {} at both ends",
                            kernel, axis + 2, to_string(shape), padding));
        extents[axis + 2] = (extent + 2 * padding - kernel) / how.stride[axis] + 1;
    }
    return Shape(std::move(extents));
}

/// Images and what pools make of them, plane by plane.
struct Planes {
    std::size_t height, width, rows, columns;
    Pieces tiles;

    Planes(const Shape& images, const Shape& pooled)
        : height(images[2]),
          width(images[3]),
          rows(pooled[2]),
          columns(pooled[3]),
          tiles(row_pieces(images[0] * images[1], image(), elements_per_tile)) {}

    std::size_t image() const { return height * width; }
    std::size_t pooled() const { return rows * columns; }

    /// Calls `action(plane)` for the planes of a tile.
    template <class Action>
    void each(std::size_t tile, const Action& action) const {
        const Range range = tiles[tile];
        for (std::size_t plane = range.begin; plane < range.end; ++plane) action(plane);
    }
};

/// The rows of an axis of length `extent` that window number `window` covers: [begin, end), the first being
/// row `skipped` of the window.
struct Covered {
    std::size_t begin, end, skipped;

    Covered(std::size_t window, std::size_t kernel, std::size_t stride, std::size_t padding,
            std::size_t extent) {
        const std::size_t first = window * stride;
        begin = std::max(first, padding) - padding;
        end = std::min(first + kernel, extent + padding) - padding;
        skipped = begin + padding - first;
    }
};

/// Calls `action` with the stride, as a constant where that makes faster loops.
template <class Action>
void with_stride(std::size_t stride, const Action& action) {
    if (stride == 1) return action(std::integral_constant<std::size_t, 1>{});
    if (stride == 2) return action(std::integral_constant<std::size_t, 2>{});
    action(stride);
}

/// A row of an image between its paddings, as far as windows reach into them.
struct PaddedRow {
    std::size_t length, before, inside;

    PaddedRow(const Pool2d& how, const Planes& planes)
        : length((planes.columns - 1) * how.stride[1] + how.kernel[1]),
          before(how.padding[1]),
          inside(std::min(planes.width, length - before)) {}
};

class SumPool final : public OpOf<SumPool> {
 public:
    explicit SumPool(const Pool2d& how) : how_(how) {}
    std::string name() const override { return "sum_pool2d"; }
    Attributes attributes() const override { return attributes_of(how_); }
    Shape shape(std::span<const Shape> inputs) const override { return pooled_shape(inputs[0], how_); }
    double flops(const Signature& signature) const override {
        return static_cast<double>(signature.output.elements() * how_.kernel[0] * how_.kernel[1]);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        const Shape& images = application.inputs[0].shape();
        return sum_unpool2d(seed, how_, {images[2], images[3]});
    }
    std::size_t tiles(const Signature& signature) const override {
        return Planes(signature.inputs[0], signature.output).tiles.count();
    }
    std::size_t scratch(const Signature& signature) const override {
        return PaddedRow(how_, Planes(signature.inputs[0], signature.output)).length;
    }

    /// The rows of a window row are added first, then the columns of each window.
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Planes planes(kernel.input_shapes[0], kernel.output_shape);
        const PaddedRow padded(how_, planes);
        T* const sums = kernel.scratch;
        std::fill_n(sums, padded.length, T(0));
        planes.each(kernel.tile, [&](std::size_t plane) {
            const T* image = kernel.inputs[0] + plane * planes.image();
            T* to = kernel.output + plane * planes.pooled();
            for (std::size_t row = 0; row < planes.rows; ++row, to += planes.columns) {
                const Covered by(row, how_.kernel[0], how_.stride[0], how_.padding[0], planes.height);
                T* const inside = sums + padded.before;
                std::copy_n(image + by.begin * planes.width, padded.inside, inside);
                for (std::size_t y = by.begin + 1; y < by.end; ++y) {
                    const T* from = image + y * planes.width;
                    DUET_INDEPENDENT_ITERATIONS
                    for (std::size_t i = 0; i < padded.inside; ++i) inside[i] += from[i];
                }
                add_columns(sums, to, planes.columns);
            }
        });
    }

 private:
    template <class T>
    void add_columns(const T* sums, T* to, std::size_t columns) const {
        with_stride(how_.stride[1], [&](auto stride) {
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t i = 0; i < columns; ++i) to[i] = sums[i * stride];
            for (std::size_t column = 1; column < how_.kernel[1]; ++column) {
                DUET_INDEPENDENT_ITERATIONS
                for (std::size_t i = 0; i < columns; ++i) to[i] += sums[i * stride + column];
            }
        });
    }

    Pool2d how_;
};

class SumUnpool final : public OpOf<SumUnpool> {
 public:
    SumUnpool(const Pool2d& how, std::array<std::size_t, 2> extents) : how_(how), extents_(extents) {}
    std::string name() const override { return "sum_unpool2d"; }
    Attributes attributes() const override {
        Attributes attributes = attributes_of(how_);
        attributes.push_back({"extents", extents_});
        return attributes;
    }
    Shape shape(std::span<const Shape> inputs) const override {
        expect_images(inputs[0]);
        Shape images{inputs[0][0], inputs[0][1], extents_[0], extents_[1]};
        const Shape pooled = pooled_shape(images, how_);
        if (pooled != inputs[0])
            throw ShapeError(fmt::format("shape {} must be {}, one element a window over {}",
                                         to_string(inputs[0]), to_string(pooled), to_string(images)));
        return images;
    }
    double flops(const Signature& signature) const override {
        return static_cast<double>(signature.inputs[0].elements() * how_.kernel[0] * how_.kernel[1]);
    }
    Tensor gradient(std::size_t, const Application&, const Tensor& seed) const override {
        return sum_pool2d(seed, how_);
    }
    std::size_t tiles(const Signature& signature) const override {
        return Planes(signature.output, signature.inputs[0]).tiles.count();
    }
    std::size_t scratch(const Signature& signature) const override {
        return PaddedRow(how_, Planes(signature.output, signature.inputs[0])).length;
    }

    /// A row of windows is spread along the width first, then added to the rows it covers.
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Planes planes(kernel.output_shape, kernel.input_shapes[0]);
        const PaddedRow padded(how_, planes);
        T* const spread = kernel.scratch;
        planes.each(kernel.tile, [&](std::size_t plane) {
            const T* from = kernel.inputs[0] + plane * planes.pooled();
            T* image = kernel.output + plane * planes.image();
            std::fill_n(image, planes.image(), T(0));
            for (std::size_t row = 0; row < planes.rows; ++row, from += planes.columns) {
                spread_columns(from, planes.columns, spread, padded.length);
                const Covered by(row, how_.kernel[0], how_.stride[0], how_.padding[0], planes.height);
                const T* const inside = spread + padded.before;
                for (std::size_t y = by.begin; y < by.end; ++y) {
                    T* const to = image + y * planes.width;
                    DUET_INDEPENDENT_ITERATIONS
                    for (std::size_t i = 0; i < padded.inside; ++i) to[i] += inside[i];
                }
            }
        });
    }

 private:
    template <class T>
    void spread_columns(const T* from, std::size_t columns, T* spread, std::size_t length) const {
        if (how_.kernel[1] == 2 && how_.stride[1] == 2) {
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t i = 0; i < columns; ++i) spread[2 * i] = spread[2 * i + 1] = from[i];
            return;
        }
        std::fill_n(spread, length, T(0));
        for (std::size_t column = 0; column < how_.kernel[1]; ++column)
            with_stride(how_.stride[1], [&](auto stride) {
                DUET_INDEPENDENT_ITERATIONS
                for (std::size_t i = 0; i < columns; ++i) spread[i * stride + column] += from[i];
            });
    }

    Pool2d how_;
    std::array<std::size_t, 2> extents_;
};

/// The place, counted within its plane, of the first of the largest elements of each window, or of its last
/// NaN.
class MaxPoolPlaces final : public OpOf<MaxPoolPlaces> {
 public:
    explicit MaxPoolPlaces(const Pool2d& how) : how_(how) {}
    std::string name() const override { return "max_pool2d_places"; }
    Attributes attributes() const override { return attributes_of(how_); }
    Shape shape(std::span<const Shape> inputs) const override {
        Shape pooled = pooled_shape(inputs[0], how_);
        expect_countable("elements of a plane", inputs[0][2] * inputs[0][3]);
        return pooled;
    }
    double flops(const Signature& signature) const override {
        return static_cast<double>(signature.output.elements() * how_.kernel[0] * how_.kernel[1]);
    }
    bool differentiable(std::size_t) const override { return false; }
    std::size_t tiles(const Signature& signature) const override {
        return Planes(signature.inputs[0], signature.output).tiles.count();
    }
    std::size_t scratch(const Signature& signature) const override {
        return Planes(signature.inputs[0], signature.output).columns;
    }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Planes planes(kernel.input_shapes[0], kernel.output_shape);
        T* const largest = kernel.scratch;
        planes.each(kernel.tile, [&](std::size_t plane) {
            const T* image = kernel.inputs[0] + plane * planes.image();
            T* places = kernel.output + plane * planes.pooled();
            for (std::size_t row = 0; row < planes.rows; ++row, places += planes.columns)
                find_in_row(planes, image, row, largest, places);
        });
    }

 private:
    /// One element of all windows of a row after the other, in the order of a window's elements.
    template <class T>
    void find_in_row(const Planes& planes, const T* image, std::size_t row, T* largest, T* places) const {
        const Covered by(row, how_.kernel[0], how_.stride[0], how_.padding[0], planes.height);
        for (std::size_t i = 0; i < planes.columns; ++i) {
            const Covered across(i, how_.kernel[1], how_.stride[1], how_.padding[1], planes.width);
            largest[i] = -std::numeric_limits<T>::infinity();
            places[i] = static_cast<T>(by.begin * planes.width + across.begin);
        }
        const std::size_t padding = how_.padding[1];
        for (std::size_t y = by.begin; y < by.end; ++y)
            for (std::size_t column = 0; column < how_.kernel[1]; ++column) {
                const std::size_t step = how_.stride[1];
                const std::size_t first = column >= padding ? 0 : ceil_divide(padding - column, step);
                if (planes.width + padding <= column) continue;
                const std::size_t last =
                    std::min(planes.columns, ceil_divide(planes.width + padding - column, step));
                if (first >= last) continue;
                const std::size_t place = y * planes.width + first * step + column - padding;
                compare(image + place, last - first, static_cast<T>(place), largest + first, places + first);
            }
    }

    template <class T>
    void compare(const T* from, std::size_t count, T place, T* largest, T* places) const {
        with_stride(how_.stride[1], [&](auto stride) {
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t i = 0; i < count; ++i) {
                const T x = from[i * stride];
                const bool larger = x > largest[i] || x != x;
                places[i] = larger ? place + static_cast<T>(static_cast<int>(i * stride)) : places[i];
                largest[i] = larger ? x : largest[i];
            }
        });
    }

    Pool2d how_;
};

/// Windows that fit `x`, with their strides; checked in the words of the builder that the user called.
Pool2d checked(const char* builder, const Tensor& x, const Pool2d& how) {
    const Pool2d complete = with_strides(how);
    in_words_of(builder, {&x, 1}, {}, [&] { pooled_shape(x.shape(), complete); });
    return complete;
}

/// One over the number of elements of each window that are not padding: (height, width) of the pooled.
ArrayOf<double> shares(const Shape& images, const Shape& pooled, const Pool2d& how) {
    ArrayOf<double> result = ArrayOf<double>::from_shape({pooled[2], pooled[3]});
    for (std::size_t i = 0; i < result.size(); ++i) {
        const std::array<std::size_t, 2> window{i / pooled[3], i % pooled[3]};
        std::size_t count = 1;
        for (std::size_t axis = 0; axis < 2; ++axis) {
            const Covered by(window[axis], how.kernel[axis], how.stride[axis], how.padding[axis],
                             images[axis + 2]);
            count *= by.end - by.begin;
        }
        result.data()[i] = 1 / static_cast<double>(count);
    }
    return result;
}

}  // namespace

Tensor sum_pool2d(Operand x, const Pool2d& how) {
    return apply(std::make_shared<SumPool>(with_strides(how)), {x});
}

Tensor sum_unpool2d(Operand x, const Pool2d& how, std::array<std::size_t, 2> extents) {
    return apply(std::make_shared<SumUnpool>(with_strides(how), extents), {x});
}

Tensor avg_pool2d(Operand x, const Pool2d& how, bool count_include_pad) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    const Pool2d windows = checked("avg_pool2d", input, how);
    const Tensor sums = sum_pool2d(input, windows);
    if (count_include_pad || (how.padding[0] == 0 && how.padding[1] == 0))
        return sums * (1 / static_cast<double>(how.kernel[0] * how.kernel[1]));
    return sums * input.graph().constant(shares(input.shape(), sums.shape(), windows));
}

Tensor max_pool2d(Operand x, const Pool2d& how) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    const Pool2d windows = checked("max_pool2d", input, how);
    const Tensor places = apply(std::make_shared<MaxPoolPlaces>(windows), {input});
    return take_at(input, places);
}

Tensor global_avg_pool2d(Operand x) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    in_words_of("global_avg_pool2d", {&input, 1}, {}, [&] { expect_images(input.shape()); });
    return mean(input, {2, 3});
}

}  // namespace duet
