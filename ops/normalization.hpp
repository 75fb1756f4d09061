#pragma once

#include <cstddef>

#include <duet/graph/tensor.hpp>

namespace duet {

/// Normalizations: (x - mean) / sqrt(variance + epsilon) * scale + shift, where mean and variance are those
/// of some of x's own values; variances are biased, the mean of squared deviations. Names and defaults are
/// torch.nn.functional's. Scale and shift may be numbers. All are computed as x * factor + offset, factor
/// and offset one number for each set of values normalized together, so that they pass over x twice. All
/// throw Error for an epsilon that is negative or not finite.

struct BatchStatistics {
    /// Of each channel: (channels).
    Tensor mean, variance;
    /// How many values of each channel they were made of.
    std::size_t count = 0;
};

/// variance * count / (count - 1): what PyTorch's running variance is an average of, though it normalizes by
/// the biased one.
Tensor unbiased_variance(const BatchStatistics& statistics);

struct Normalized {
    Tensor value;
    BatchStatistics statistics;
};

/// Batch normalization in training (Ioffe and Szegedy 2015, algorithm 1): each channel of `x`, of shape
/// (batch, channels) or (batch, channels, ...), is normalized by its own mean and variance over all other
/// axes. Scale and shift have shape (channels). A layer that averages the statistics for inference builds
/// running = (1 - momentum) * running + momentum * statistic from `mean` and `unbiased_variance`. Throws
/// ShapeError if x has less than two axes or one value a channel, or for scale or shift of another shape.
Normalized batch_norm(Operand x, Operand scale, Operand shift, double epsilon = 1e-5);

/// Batch normalization by given statistics (algorithm 2), all of shape (channels); each element is then a
/// function of itself alone. Throws ShapeError if x has less than two axes or for other shapes.
Tensor batch_norm_inference(Operand x, Operand scale, Operand shift, Operand mean, Operand variance,
                            double epsilon = 1e-5);

/// Layer normalization (Ba, Kiros and Hinton 2016): over the last axes, whose extents are `normalized`, the
/// shape of scale and shift. Throws ShapeError if x's shape does not end in `normalized`, if that is (), or
/// for scale or shift of another shape.
Tensor layer_norm(Operand x, const Shape& normalized, Operand scale = 1.0, Operand shift = 0.0,
                  double epsilon = 1e-5);

/// Instance normalization (Ulyanov, Vedaldi and Lempitsky 2016): each channel of each example of `x`, of
/// shape (batch, channels, ...), over the axes behind. Scale and shift have shape (channels). Throws
/// ShapeError if there are less than three axes or one value a channel, or for scale or shift of another
/// shape.
Tensor instance_norm(Operand x, Operand scale = 1.0, Operand shift = 0.0, double epsilon = 1e-5);

/// Group normalization (Wu and He 2018): the channels of each example of `x`, of shape (batch, channels,
/// ...), in `groups` groups of adjacent ones, each over its channels and the axes behind. Scale and shift
/// have shape (channels). Throws ShapeError if x has less than two axes, if `groups` does not divide the
/// channels, or for scale or shift of another shape.
Tensor group_norm(Operand x, std::size_t groups, Operand scale = 1.0, Operand shift = 0.0,
                  double epsilon = 1e-5);

}  // namespace duet
