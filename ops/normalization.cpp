#include <duet/ops/normalization.hpp>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/channel_affine.hpp>
#include <duet/ops/moments.hpp>
#include <duet/ops/parameter_rules.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet {

namespace {

/// The arguments of a builder, checked in its words; its nodes carry their line while they live.
class Arguments {
 public:
    Arguments(const char* builder, const Operand& x, double epsilon)
        : builder_(builder), tensors_{x.tensor()}, scope_(tensors_.front().graph(), x.where()) {
        expect_not_negative(builder, "epsilon", epsilon, scope_.where());
    }

    const Shape& shape() const { return tensors_.front().shape(); }

    [[noreturn]] void refuse(const std::string& rule) const { reject(builder_, rule, tensors_, {}); }

    void expect_axes(std::size_t least, const char* form) const {
        if (shape().rank() < least)
            refuse(fmt::format("shape {} has too few axes; it must be {}", to_string(shape()), form));
    }
    void expect_several(std::size_t values) const {
        if (values < 2)
            refuse(
                fmt::format("shape {} has one value a channel, whose variance is 0; give more examples or "
                            "larger ones, or normalize by given statistics",
                            to_string(shape())));
    }
    /// The tensor of an operand that has that shape or is a number.
    Tensor expect(const char* what, const Operand& operand, const Shape& wanted) {
        Graph& graph = tensors_.front().graph();
        const Tensor tensor = operand.tensor(graph);
        tensors_.push_back(tensor);
        if (operand.is_tensor() && tensor.shape() != wanted)
            refuse(fmt::format("the {} of shape {} must have shape {}", what, to_string(tensor.shape()),
                               to_string(wanted)));
        return tensor;
    }

 private:
    const char* builder_;
    std::vector<Tensor> tensors_;
    WhereScope scope_;
};

Axes axes_from(std::size_t first, std::size_t rank) {
    Axes axes(rank - first);
    std::iota(axes.begin(), axes.end(), first);
    return axes;
}

/// The axes of the statistics, scale and shift are those of `x` from `first`.
Tensor normalized_by(const Tensor& x, std::size_t first, const Tensor& mean, const Tensor& variance,
                     const Operand& scale, const Operand& shift, double epsilon) {
    const Tensor factor = scale / sqrt(variance + epsilon);
    const Tensor offset = shift - mean * factor;
    return channel_affine(x, first, broadcast_to(factor, offset.shape()), offset);
}

Shape channels_of(const Shape& shape) {
    return {shape[1]};
}

}  // namespace

Tensor unbiased_variance(const BatchStatistics& statistics) {
    const auto count = static_cast<double>(statistics.count);
    return statistics.variance * (count / (count - 1));
}

Normalized batch_norm(Operand x, Operand scale, Operand shift, double epsilon) {
    const Tensor input = x.tensor();
    Arguments arguments("batch_norm", x, epsilon);
    arguments.expect_axes(2, "(batch, channels) or (batch, channels, ...)");
    const Shape channels = channels_of(input.shape());
    const Tensor factor = arguments.expect("scale", scale, channels);
    const Tensor offset = arguments.expect("shift", shift, channels);
    const std::size_t count = input.shape().elements() / channels.elements();
    arguments.expect_several(count);
    Axes axes = axes_from(1, input.shape().rank());
    axes.front() = 0;
    const MeanAndVariance of = moments(input, axes);
    return {normalized_by(input, 1, of.mean, of.variance, factor, offset, epsilon),
            {of.mean, of.variance, count}};
}

Tensor batch_norm_inference(Operand x, Operand scale, Operand shift, Operand mean, Operand variance,
                            double epsilon) {
    const Tensor input = x.tensor();
    Arguments arguments("batch_norm_inference", x, epsilon);
    arguments.expect_axes(2, "(batch, channels) or (batch, channels, ...)");
    const Shape channels = channels_of(input.shape());
    const Tensor factor = arguments.expect("scale", scale, channels);
    const Tensor offset = arguments.expect("shift", shift, channels);
    const Tensor center = arguments.expect("mean", mean, channels);
    const Tensor spread = arguments.expect("variance", variance, channels);
    return normalized_by(input, 1, center, spread, factor, offset, epsilon);
}

Tensor layer_norm(Operand x, const Shape& normalized, Operand scale, Operand shift, double epsilon) {
    const Tensor input = x.tensor();
    Arguments arguments("layer_norm", x, epsilon);
    const Shape& shape = input.shape();
    if (normalized.rank() == 0) arguments.refuse("there are no axes to normalize over; give their extents");
    if (normalized.rank() > shape.rank() ||
        !std::equal(normalized.begin(), normalized.end(), shape.end() - normalized.rank()))
        arguments.refuse(fmt::format("shape {} does not end in the extents {} to normalize over",
                                     to_string(shape), to_string(normalized)));
    const Tensor factor = arguments.expect("scale", scale, normalized);
    const Tensor offset = arguments.expect("shift", shift, normalized);
    const std::size_t first = shape.rank() - normalized.rank();
    const MeanAndVariance of = moments(input, axes_from(first, shape.rank()));
    if (!scale.is_tensor() && !shift.is_tensor())
        return normalized_by(input, 0, of.mean, of.variance, factor, offset, epsilon);
    return normalized_by(input, 0, of.mean, of.variance, 1.0, 0.0, epsilon) * factor + offset;
}

Tensor instance_norm(Operand x, Operand scale, Operand shift, double epsilon) {
    const Tensor input = x.tensor();
    Arguments arguments("instance_norm", x, epsilon);
    arguments.expect_axes(3, "(batch, channels, ...)");
    const Shape& shape = input.shape();
    const Tensor factor = arguments.expect("scale", scale, channels_of(shape));
    const Tensor offset = arguments.expect("shift", shift, channels_of(shape));
    arguments.expect_several(shape.elements() / (shape[0] * shape[1]));
    const MeanAndVariance of = moments(input, axes_from(2, shape.rank()));
    return normalized_by(input, 0, of.mean, of.variance, factor, offset, epsilon);
}

Tensor group_norm(Operand x, std::size_t groups, Operand scale, Operand shift, double epsilon) {
    const Tensor input = x.tensor();
    Arguments arguments("group_norm", x, epsilon);
    arguments.expect_axes(2, "(batch, channels) or (batch, channels, ...)");
    const Shape& shape = input.shape();
    const std::size_t batch = shape[0], channels = shape[1];
    if (groups == 0 || channels % groups != 0)
        arguments.refuse(fmt::format("the {} channels of shape {} are not divided by {} groups", channels,
                                     to_string(shape), groups));
    const Tensor factor = arguments.expect("scale", scale, channels_of(shape));
    const Tensor offset = arguments.expect("shift", shift, channels_of(shape));
    const MeanAndVariance of =
        moments(reshape(input, {batch, groups, shape.elements() / (batch * groups)}), {2});
    const auto per_channel = [&](const Tensor& statistic) {
        const Shape apart{batch, groups, channels / groups};
        return reshape(broadcast_to(reshape(statistic, {batch, groups, 1}), apart), {batch, channels});
    };
    return normalized_by(input, 0, per_channel(of.mean), per_channel(of.variance), factor, offset, epsilon);
}

}  // namespace duet
