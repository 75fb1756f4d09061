#pragma once

#include <duet/graph/tensor.hpp>

namespace duet {

/// Functions of logits, finite in value and gradient however far the finite logits are apart. A class can be
/// masked by a logit of minus infinity: its probability is 0, and so is its gradient. Where all classes are
/// masked, results are NaN, as in PyTorch.

/// exp(x) / sum(exp(x)) over the last axis. Throws ShapeError for a scalar.
Tensor softmax(Operand logits);

/// log(softmax(x)) over the last axis, computed as x - m - log(sum(exp(x - m))) for the maximum m. Throws
/// ShapeError for a scalar.
Tensor log_softmax(Operand logits);

/// -sum(p log(softmax(x))) over the last axis: the loss of each sample, of shape (n) for logits of shape (n,
/// c). `labels` are either class indices of shape (n) or distributions p of the logits' shape (n, c), such as
/// one_hot gives; a masked class that is not expected costs nothing. Throws ShapeError for labels of another
/// shape; a run throws FeedError for an index that is no class.
Tensor softmax_cross_entropy(Operand logits, Operand labels);

/// -t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x)) elementwise, computed as t softplus(-x) + (1 - t)
/// softplus(x); an infinite logit costs nothing where the target agrees. Either may be a number; throws
/// ShapeError for two tensors of different shapes.
Tensor sigmoid_cross_entropy(Operand logits, Operand targets);

}  // namespace duet
