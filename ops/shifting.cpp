#include <duet/ops/shifting.hpp>

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 15;

/// moves[position], held within -extent to extent: what is further moves all of the image out too.
template <class T>
std::ptrdiff_t checked_move(const T* moves, std::size_t position, std::size_t extent) {
    const T move = moves[position];
    if (!(std::floor(move) == move) || std::isinf(move))
        throw FeedError(
            fmt::format("shift2d: the move at position {} is {}; it must be a whole number", position, move));
    const T most = static_cast<T>(extent);
    return static_cast<std::ptrdiff_t>(std::clamp(move, -most, most));
}

/// Copies the row `from`, or zeros where there is none, moved by `move`.
template <class T>
void shift_row(const T* from, std::ptrdiff_t move, T* to, std::ptrdiff_t width) {
    const std::ptrdiff_t begin = from == nullptr ? width : std::max<std::ptrdiff_t>(0, -move),
                         end = std::max(begin, std::min(width, width - move));
    std::fill_n(to, begin, T(0));
    if (end > begin) std::copy_n(from + begin + move, end - begin, to + begin);
    std::fill_n(to + end, width - end, T(0));
}

class Shift2d final : public OpOf<Shift2d> {
 public:
    explicit Shift2d(bool back) : back_(back) {}
    std::string name() const override { return "shift2d"; }
    Attributes attributes() const override { return {{"back", back_}}; }
    Shape shape(std::span<const Shape> inputs) const override {
        expect_images(inputs[0]);
        if (inputs[1] != Shape{inputs[0][0], 2})
            throw ShapeError(
                fmt::format("moves of shape {} do not fit images of shape {}: give two, (n, 2), "
                            "for each of n images",
                            to_string(inputs[1]), to_string(inputs[0])));
        return inputs[0];
    }
    double flops(const Signature&) const override { return 0; }
    bool differentiable(std::size_t input) const override { return input == 0; }
    bool may_fail() const override { return true; }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return apply(std::make_shared<Shift2d>(!back_), {seed, application.inputs[1]});
    }
    std::size_t tiles(const Signature& signature) const override { return planes(signature.output).count(); }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Shape& shape = kernel.output_shape;
        const auto height = static_cast<std::ptrdiff_t>(shape[2]),
                   width = static_cast<std::ptrdiff_t>(shape[3]);
        const Range range = planes(shape)[kernel.tile];
        for (std::size_t plane = range.begin; plane < range.end; ++plane) {
            const std::size_t image = plane / shape[1];
            const std::ptrdiff_t sign = back_ ? -1 : 1,
                                 down = sign * checked_move(kernel.inputs[1], 2 * image, shape[2]),
                                 across = sign * checked_move(kernel.inputs[1], 2 * image + 1, shape[3]);
            const T* from = kernel.inputs[0] + plane * shape[2] * shape[3];
            T* to = kernel.output + plane * shape[2] * shape[3];
            for (std::ptrdiff_t y = 0; y < height; ++y, to += width) {
                const bool inside = y + down >= 0 && y + down < height;
                shift_row(inside ? from + (y + down) * width : nullptr, across, to, width);
            }
        }
    }

 private:
    static Pieces planes(const Shape& shape) {
        return row_pieces(shape[0] * shape[1], shape[2] * shape[3], elements_per_tile);
    }

    bool back_;  ///< by the moves negated
};

}  // namespace

Tensor shift2d(Operand images, Operand moves) {
    return apply(std::make_shared<Shift2d>(false), {images, moves});
}

}  // namespace duet
