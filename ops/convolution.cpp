#include <duet/ops/convolution.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/op.hpp>
#include <duet/ops/arranged_operand.hpp>
#include <duet/ops/kernels/convolution_kernel.hpp>
#include <duet/ops/kernels/convolution_plan.hpp>
#include <duet/ops/kernels/gathered_convolution.hpp>
#include <duet/ops/kernels/winograd_convolution.hpp>
#include <duet/ops/matmul.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet {

namespace {

using Pair = std::array<std::size_t, 2>;

constexpr const char* axis_names[] = {"height", "width"};
/// Larger numbers are mistakes, and these cannot overflow.
constexpr auto most = static_cast<std::size_t>(std::numeric_limits<int>::max());

void check_attributes(const Convolution2d& how) {
    if (how.groups == 0)
        throw ShapeError("there must be at least one group; pass groups=1 for a plain convolution");
    for (std::size_t axis = 0; axis < 2; ++axis) {
        if (how.stride[axis] == 0 || how.dilation[axis] == 0)
            throw ShapeError(
                fmt::format("stride and dilation must be at least 1 along the {}", axis_names[axis]));
        if (std::max({how.stride[axis], how.padding[axis], how.dilation[axis]}) > most)
            throw ShapeError(fmt::format("stride, padding and dilation along the {} must not exceed {}",
                                         axis_names[axis], most));
    }
}

void check_rank(const Shape& shape, std::size_t argument, const char* axes) {
    if (shape.rank() != 4)
        throw ShapeError(
            fmt::format("argument {} must have four axes, {}, not the shape {}; reshape it first", argument,
                        axes, to_string(shape)));
    if (shape[0] > most || shape[1] > most || shape[2] * shape[3] > most)
        throw ShapeError(fmt::format("argument {} has an extent or an image beyond {}", argument, most));
}

void check_weight(const Shape& shape) {
    if (shape[0] > most || shape.elements() / shape[0] > most)
        throw ShapeError(
            fmt::format("the weight {} has more than {} elements a channel", to_string(shape), most));
}

/// Returns `result`, the shape of features or of an image.
Shape countable(Shape result) {
    if (result[2] * result[3] > most)
        throw ShapeError(fmt::format("the result {} has more than {} pixels", to_string(result), most));
    return result;
}

void check_groups(std::size_t channels, std::size_t groups, const char* what) {
    if (channels % groups != 0)
        throw ShapeError(
            fmt::format("{} channels of the {} cannot be divided among {} groups; choose groups that divide "
                        "them",
                        channels, what, groups));
}

std::size_t reach(std::size_t kernel, std::size_t dilation) {
    return dilation * (kernel - 1) + 1;
}

/// The size of the features of an image.
std::size_t convolved(std::size_t axis, std::size_t image, std::size_t kernel, const Convolution2d& how) {
    const std::size_t padded = image + 2 * how.padding[axis], needed = reach(kernel, how.dilation[axis]);
    if (needed > padded)
        throw ShapeError(fmt::format(
            "the kernel reaches over {} pixels along the {}, the image with its padding has "
            "{}: {} + 2 * {}; pad by at least {} or choose a smaller kernel",
            needed, axis_names[axis], padded, image, how.padding[axis], (needed - image + 1) / 2));
    return (padded - needed) / how.stride[axis] + 1;
}

std::size_t transposed(std::size_t axis, std::size_t features, std::size_t kernel, const Convolution2d& how,
                       std::size_t output_padding) {
    if (output_padding >= how.stride[axis])
        throw ShapeError(
            fmt::format("the output padding along the {}, {}, must be smaller than the stride, {}",
                        axis_names[axis], output_padding, how.stride[axis]));
    const std::size_t grown =
        (features - 1) * how.stride[axis] + reach(kernel, how.dilation[axis]) + output_padding;
    if (grown <= 2 * how.padding[axis])
        throw ShapeError(
            fmt::format("nothing is left along the {}: {} pixels less 2 * {} of padding; choose a smaller "
                        "padding",
                        axis_names[axis], grown, how.padding[axis]));
    return grown - 2 * how.padding[axis];
}

Pair pixels(const Shape& shape) {
    return {shape[2], shape[3]};
}

ConvolutionGeometry geometry_of(const Shape& image, const Shape& features, Pair kernel,
                                const Convolution2d& how) {
    return {image[0],      how.groups,  image[1] / how.groups, features[1] / how.groups,
            pixels(image), kernel,      pixels(features),      how.stride,
            how.padding,   how.dilation};
}

/// What the three have in common; Derived says `pass`, `geometry(signature)` and how a tile runs.
template <class Derived>
class ConvolutionOf : public OpOf<Derived> {
 public:
    explicit ConvolutionOf(const Convolution2d& how) : how_(how) {}

    Attributes attributes() const override {
        return {{"stride", how_.stride},
                {"padding", how_.padding},
                {"dilation", how_.dilation},
                {"groups", how_.groups},
                {"arranged", arranged_.has_value()}};
    }
    std::optional<Rearranged> rearranged(const Signature& signature) const override {
        const ConvolutionGeometry shape = geometry(signature);
        if (arranged_ || !shares_operand(shape, plan(signature), Derived::pass)) return {};
        auto same = std::make_shared<Derived>(static_cast<const Derived&>(*this));
        same->arranged_ = shape;
        Attributes purpose = this->attributes();
        purpose.insert(purpose.begin(), {"for", this->name()});
        return Rearranged{1, arrange_operand(shape, Derived::pass, std::move(purpose)), same};
    }
    double flops(const Signature& signature) const override {
        const ConvolutionGeometry shape = geometry(signature);
        return plan(signature).method == ConvolutionMethod::winograd ? winograd_flops(shape) : shape.flops();
    }
    std::size_t tiles(const Signature& signature) const override { return plan(signature).tiles(); }
    std::size_t workspace(const Signature& signature) const override {
        return plan(signature).workspace(geometry(signature), Derived::pass);
    }
    std::size_t scratch(const Signature& signature) const override {
        const ConvolutionPlan cut = plan(signature);
        return cut.method == ConvolutionMethod::winograd
                   ? winograd_scratch(geometry(signature), cut, Derived::pass, arranged_.has_value())
                   : cut.scratch();
    }

 protected:
    ConvolutionGeometry geometry(const Signature& signature) const {
        return arranged_ ? *arranged_ : static_cast<const Derived&>(*this).geometry_of_shapes(signature);
    }
    ConvolutionPlan plan(const Signature& signature) const {
        return plan_convolution(geometry(signature), Derived::pass);
    }
    /// Calls `run` with a tile of the plan's method.
    template <class T, class Run>
    void with_tile(const Kernel<T>& kernel, const Run& run) const {
        const Signature signature{kernel.input_shapes, kernel.output_shape};
        const ConvolutionGeometry shape = geometry(signature);
        const ConvolutionPlan cut = plan(signature);
        const bool arranged = arranged_.has_value();
        switch (cut.method) {
            case ConvolutionMethod::lowered:
                return run(ConvolutionTile<T>(shape, cut, Derived::pass, kernel.tile, kernel.scratch));
            case ConvolutionMethod::gathered:
                return run(GatheredTile<T>(shape, cut, Derived::pass, kernel.tile, kernel.scratch, arranged));
            case ConvolutionMethod::winograd:
                return run(WinogradTile<T>(shape, cut, Derived::pass, kernel.tile, kernel.scratch, arranged));
        }
    }
    /// The part of (N, channels, height, width) that a tile computes.
    Region tile_region(const Signature& signature, std::size_t tile) const {
        const ConvolutionGeometry shape = geometry(signature);
        const TilePart part = tile_part(shape, plan(signature), Derived::pass, tile);
        const std::size_t pixels = signature.output[2] * signature.output[3];
        const std::size_t channels = part.groups.size() * part.channels.size();
        const std::size_t group_channels = signature.output[1] / shape.groups;
        const std::size_t first = part.groups.begin * group_channels + part.channels.begin;
        const std::size_t sample = signature.output[1] * pixels, begin = part.samples.begin * sample;
        if (channels == signature.output[1])
            return {begin, 1, part.samples.size() * sample, part.samples.size() * sample};
        return {begin + first * pixels, part.samples.size(), sample, channels * pixels};
    }

    Convolution2d how_;
    /// That of an op whose second input is an arranged one.
    std::optional<ConvolutionGeometry> arranged_;
};

class Conv2d final : public ConvolutionOf<Conv2d> {
 public:
    static constexpr ConvolutionPass pass = ConvolutionPass::features;
    using ConvolutionOf::ConvolutionOf;

    std::string name() const override { return "conv2d"; }

    Shape shape(std::span<const Shape> inputs) const override {
        const Shape &x = inputs[0], &weight = inputs[1];
        check_attributes(how_);
        check_rank(x, 1, "(batch, channels, height, width)");
        check_rank(weight, 2, "(output channels, input channels / groups, height, width)");
        check_weight(weight);
        check_groups(x[1], how_.groups, "image");
        check_groups(weight[0], how_.groups, "result");
        if (weight[1] != x[1] / how_.groups)
            throw ShapeError(fmt::format(
                "the image has {} channels{}, the weight's axis 1 has {}: make them equal", x[1],
                how_.groups > 1 ? fmt::format(", {} a group", x[1] / how_.groups) : "", weight[1]));
        return countable(
            {x[0], weight[0], convolved(0, x[2], weight[2], how_), convolved(1, x[3], weight[3], how_)});
    }
    ConvolutionGeometry geometry_of_shapes(const Signature& signature) const {
        return geometry_of(signature.inputs[0], signature.output, pixels(signature.inputs[1]), how_);
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        const Tensor &x = application.inputs[0], &weight = application.inputs[1];
        if (input == 1) return conv2d_weight_gradient(x, seed, pixels(weight.shape()), how_);
        Pair left_over;
        for (std::size_t axis = 0; axis < 2; ++axis)
            left_over[axis] = (x.shape()[2 + axis] + 2 * how_.padding[axis] -
                               reach(weight.shape()[2 + axis], how_.dilation[axis])) %
                              how_.stride[axis];
        return conv_transpose2d(seed, weight, how_, left_over);
    }
    bool accepts_epilogue() const override { return true; }
    Region region(const Signature& signature, std::size_t tile) const override {
        return tile_region(signature, tile);
    }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        with_tile(kernel,
                  [&](auto tile) { tile.features(kernel.inputs[0], kernel.inputs[1], kernel.output); });
    }
};

class ConvTranspose2d final : public ConvolutionOf<ConvTranspose2d> {
 public:
    static constexpr ConvolutionPass pass = ConvolutionPass::image;
    ConvTranspose2d(const Convolution2d& how, Pair output_padding)
        : ConvolutionOf(how), output_padding_(output_padding) {}

    std::string name() const override { return "conv_transpose2d"; }
    Attributes attributes() const override {
        Attributes attributes = ConvolutionOf::attributes();
        attributes.push_back({"output_padding", output_padding_});
        return attributes;
    }

    Shape shape(std::span<const Shape> inputs) const override {
        const Shape &x = inputs[0], &weight = inputs[1];
        check_attributes(how_);
        check_rank(x, 1, "(batch, channels, height, width)");
        check_rank(weight, 2, "(input channels, output channels / groups, height, width)");
        check_weight(weight);
        check_groups(x[1], how_.groups, "argument");
        if (weight[0] != x[1])
            throw ShapeError(fmt::format(
                "argument 1 has {} channels, the weight's axis 0 has {}: make them equal", x[1], weight[0]));
        Pair size;
        for (std::size_t axis = 0; axis < 2; ++axis)
            size[axis] = transposed(axis, x[2 + axis], weight[2 + axis], how_, output_padding_[axis]);
        return countable({x[0], weight[1] * how_.groups, size[0], size[1]});
    }
    ConvolutionGeometry geometry_of_shapes(const Signature& signature) const {
        return geometry_of(signature.output, signature.inputs[0], pixels(signature.inputs[1]), how_);
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        const Tensor &x = application.inputs[0], &weight = application.inputs[1];
        if (input == 1) return conv2d_weight_gradient(seed, x, pixels(weight.shape()), how_);
        return conv2d(seed, weight, how_);
    }
    bool accepts_epilogue() const override { return true; }
    Region region(const Signature& signature, std::size_t tile) const override {
        return tile_region(signature, tile);
    }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        with_tile(kernel, [&](auto tile) { tile.image(kernel.inputs[0], kernel.inputs[1], kernel.output); });
    }

 private:
    Pair output_padding_;
};

class Conv2dWeightGradient final : public ConvolutionOf<Conv2dWeightGradient> {
 public:
    static constexpr ConvolutionPass pass = ConvolutionPass::weight;
    Conv2dWeightGradient(const Convolution2d& how, Pair kernel) : ConvolutionOf(how), kernel_(kernel) {}

    std::string name() const override { return "conv2d_weight_gradient"; }
    Attributes attributes() const override {
        Attributes attributes = ConvolutionOf::attributes();
        attributes.push_back({"kernel", kernel_});
        return attributes;
    }

    Shape shape(std::span<const Shape> inputs) const override {
        const Shape &x = inputs[0], &seed = inputs[1];
        check_attributes(how_);
        check_rank(x, 1, "(batch, channels, height, width)");
        check_rank(seed, 2, "(batch, channels, height, width)");
        check_groups(x[1], how_.groups, "image");
        check_groups(seed[1], how_.groups, "seed");
        Shape output{seed[1], x[1] / how_.groups, kernel_[0], kernel_[1]};
        check_weight(output);
        const Shape features{x[0], seed[1], convolved(0, x[2], kernel_[0], how_),
                             convolved(1, x[3], kernel_[1], how_)};
        if (seed != features)
            throw ShapeError(fmt::format("the seed must have the shape of the convolution's result, {}",
                                         to_string(features)));
        return output;
    }
    ConvolutionGeometry geometry_of_shapes(const Signature& signature) const {
        return geometry_of(signature.inputs[0], signature.inputs[1], kernel_, how_);
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        const Tensor &x = application.inputs[0], &features = application.inputs[1];
        if (input == 1) return conv2d(x, seed, how_);
        Pair left_over;
        for (std::size_t axis = 0; axis < 2; ++axis)
            left_over[axis] =
                (x.shape()[2 + axis] + 2 * how_.padding[axis] - reach(kernel_[axis], how_.dilation[axis])) %
                how_.stride[axis];
        return conv_transpose2d(features, seed, how_, left_over);
    }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        with_tile(kernel, [&](auto tile) {
            tile.weight(kernel.inputs[0], kernel.inputs[1], kernel.workspace, kernel.output);
        });
    }
    void finish(const Kernel<float>& kernel) const override { sum_parts(kernel); }
    void finish(const Kernel<double>& kernel) const override { sum_parts(kernel); }

 private:
    template <class T>
    void sum_parts(const Kernel<T>& kernel) const {
        const Signature signature{kernel.input_shapes, kernel.output_shape};
        sum_weight_parts(geometry(signature), plan(signature), kernel.workspace, kernel.output);
    }

    Pair kernel_;
};

/// True for a kernel that meets all of an image once: the convolution is then a product of matrices.
bool covers(Pair image, Pair kernel, const Convolution2d& how) {
    const bool plain = how.padding == Pair{0, 0} && how.dilation == Pair{1, 1} && how.groups == 1 &&
                       how.stride[0] > 0 && how.stride[1] > 0;
    return plain && image == kernel;
}

/// (first axis, all others).
Tensor as_matrix(const Tensor& x) {
    return reshape(x, {x.shape()[0], x.shape().elements() / x.shape()[0]});
}

}  // namespace

Tensor conv2d(Operand x, Operand weight, const Convolution2d& how) {
    const Tensor image = x.tensor(), kernels = weight.tensor();
    const Shape &a = image.shape(), &b = kernels.shape();
    if (a.rank() == 4 && b.rank() == 4 && a[1] == b[1] && covers(pixels(a), pixels(b), how)) {
        const WhereScope scope(image.graph(), x.where());
        return reshape(matmul(as_matrix(image), as_matrix(kernels), false, true), {a[0], b[0], 1, 1});
    }
    return apply(std::make_shared<Conv2d>(how), {x, weight});
}

Tensor conv_transpose2d(Operand x, Operand weight, const Convolution2d& how, Pair output_padding) {
    const Tensor features = x.tensor(), kernels = weight.tensor();
    const Shape &a = features.shape(), &b = kernels.shape();
    if (a.rank() == 4 && b.rank() == 4 && a[1] == b[0] && pixels(a) == Pair{1, 1} &&
        output_padding == Pair{0, 0} && covers(pixels(b), pixels(b), how)) {
        const WhereScope scope(features.graph(), x.where());
        return reshape(matmul(as_matrix(features), as_matrix(kernels)), {a[0], b[1], b[2], b[3]});
    }
    return apply(std::make_shared<ConvTranspose2d>(how, output_padding), {x, weight});
}

Tensor conv2d_weight_gradient(Operand x, Operand seed, Pair kernel, const Convolution2d& how) {
    const Tensor image = x.tensor(), features = seed.tensor();
    const Shape &a = image.shape(), &b = features.shape();
    if (a.rank() == 4 && b.rank() == 4 && a[0] == b[0] && pixels(b) == Pair{1, 1} &&
        covers(pixels(a), kernel, how)) {
        const WhereScope scope(image.graph(), x.where());
        return reshape(matmul(as_matrix(features), as_matrix(image), true), {b[1], a[1], a[2], a[3]});
    }
    return apply(std::make_shared<Conv2dWeightGradient>(how, kernel), {x, seed});
}

}  // namespace duet
