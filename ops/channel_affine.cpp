#include <duet/ops/channel_affine.hpp>

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 13;

/// A tensor seen as runs of `inner` elements that share a factor, run i having factor i % channels; a tile
/// takes some of them.
struct Runs {
    std::size_t channels, inner = 1;
    Pieces tiles;

    Runs(const Shape& shape, std::size_t first, const Shape& factors) : channels(factors.elements()) {
        const std::size_t last = first + factors.rank();
        std::size_t count = 1;
        for (std::size_t axis = 0; axis < shape.rank(); ++axis) (axis < last ? count : inner) *= shape[axis];
        tiles = row_pieces(count, inner, elements_per_tile);
        if (inner == 1 && tiles.most > channels) tiles.most -= tiles.most % channels;
    }
};

/// x * factor, then + shift if it has one, then + a tensor of x's shape if it accumulates.
class ChannelAffine final : public OpOf<ChannelAffine> {
 public:
    ChannelAffine(std::size_t first, bool shifts, bool accumulates)
        : first_(first), shifts_(shifts), accumulates_(accumulates) {}
    std::string name() const override { return shifts_ ? "channel_affine" : "channel_scale"; }
    Attributes attributes() const override {
        return {{"axis", first_}, {"shifts", shifts_}, {"accumulate", accumulates_}};
    }
    Shape shape(std::span<const Shape> inputs) const override {
        const Shape &x = inputs[0], &factor = inputs[1];
        const bool fits =
            first_ + factor.rank() <= x.rank() &&
            std::equal(factor.begin(), factor.end(), x.begin() + static_cast<std::ptrdiff_t>(first_));
        if (!fits || (shifts_ && inputs[2] != factor))
            throw ShapeError(fmt::format("the extents of {} must be those of shape {} from axis {}",
                                         to_string(fits ? inputs[2] : factor), to_string(x), first_));
        return x;
    }
    double flops(const Signature& signature) const override {
        return static_cast<double>(signature.inputs.size() - 1) *
               static_cast<double>(signature.output.elements());
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        if (input == 0) return channel_scale(seed, first_, application.inputs[1]);
        const Tensor& x = application.inputs[0];
        return sum_to_channels(input == 1 ? seed * x : seed, application.inputs[1].shape());
    }
    std::shared_ptr<const Op> accumulating() const override {
        if (accumulates_) return nullptr;
        return std::make_shared<ChannelAffine>(first_, shifts_, true);
    }
    bool in_place(std::size_t input) const override { return input == 0 || input == addend(); }
    std::size_t tiles(const Signature& signature) const override { return runs(signature).tiles.count(); }
    bool accepts_epilogue() const override { return true; }
    Region region(const Signature& signature, std::size_t tile) const override {
        const Runs by = runs(signature);
        const Range range = by.tiles[tile];
        const std::size_t length = range.size() * by.inner;
        return {range.begin * by.inner, 1, length, length};
    }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const Runs by = runs({kernel.input_shapes, kernel.output_shape});
        const Range range = by.tiles[kernel.tile];
        const T* const added = accumulates_ ? kernel.inputs[addend()] : nullptr;
        for (std::size_t run = range.begin; run < range.end;) {
            const std::size_t channel = run % by.channels;
            const T* const factor = kernel.inputs[1] + channel;
            const T* const shift = shifts_ ? kernel.inputs[2] + channel : nullptr;
            const std::size_t at = run * by.inner;
            const T* const x = kernel.inputs[0] + at;
            const T* const addends = added ? added + at : nullptr;
            if (by.inner == 1) {
                const std::size_t count = std::min(by.channels - channel, range.end - run);
                apply_to(
                    x, addends, kernel.output + at, count, [=](std::size_t i) { return factor[i]; },
                    [=](std::size_t i) { return shift[i]; });
                run += count;
            } else {
                const T scale = *factor, constant = shift ? *shift : T(0);
                apply_to(
                    x, addends, kernel.output + at, by.inner, [=](std::size_t) { return scale; },
                    [=](std::size_t) { return constant; });
                ++run;
            }
        }
    }

 private:
    std::size_t addend() const { return shifts_ ? 3 : 2; }
    Runs runs(const Signature& signature) const {
        return Runs(signature.inputs[0], first_, signature.inputs[1]);
    }

    template <class T, class Factor, class Shift>
    void apply_to(const T* x, const T* addends, T* output, std::size_t count, const Factor& factor,
                  const Shift& shift) const {
        if (shifts_ && addends) {
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t i = 0; i < count; ++i) output[i] = x[i] * factor(i) + shift(i) + addends[i];
        } else if (shifts_) {
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t i = 0; i < count; ++i) output[i] = x[i] * factor(i) + shift(i);
        } else if (addends) {
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t i = 0; i < count; ++i) output[i] = x[i] * factor(i) + addends[i];
        } else {
            DUET_INDEPENDENT_ITERATIONS
            for (std::size_t i = 0; i < count; ++i) output[i] = x[i] * factor(i);
        }
    }

    Tensor sum_to_channels(const Tensor& x, const Shape& channels) const {
        Axes axes;
        for (std::size_t axis = 0; axis < x.shape().rank(); ++axis)
            if (axis < first_ || axis >= first_ + channels.rank()) axes.push_back(axis);
        return axes.empty() ? x : sum(x, axes);
    }

    std::size_t first_;
    bool shifts_, accumulates_;
};

/// `first` counted from 0. It may be the rank, for factors without axes.
std::size_t first_axis(const char* builder, const Operand& x, std::ptrdiff_t first) {
    if (first >= 0) return static_cast<std::size_t>(first);
    const Tensor input = x.tensor();
    return in_words_of(builder, {&input, 1}, x.where(),
                       [&] { return normalized_axis(input.shape(), first); });
}

}  // namespace

Tensor channel_affine(Operand x, std::ptrdiff_t first, Operand factor, Operand shift) {
    const std::size_t axis = first_axis("channel_affine", x, first);
    return apply(std::make_shared<ChannelAffine>(axis, true, false), {x, factor, shift});
}

Tensor channel_scale(Operand x, std::ptrdiff_t first, Operand factor) {
    const std::size_t axis = first_axis("channel_scale", x, first);
    return apply(std::make_shared<ChannelAffine>(axis, false, false), {x, factor});
}

}  // namespace duet
