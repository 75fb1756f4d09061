#include <duet/models/networks/minibatch_deviation.hpp>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/moments.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet::models {

Tensor minibatch_deviation(Operand x, std::size_t group) {
    constexpr double epsilon = 1e-8;
    const Tensor input = x.tensor();
    const WhereScope caller(input.graph(), x.where());
    const Shape& shape = input.shape();
    in_words_of("minibatch_deviation", {&input, 1}, x.where(), [&] {
        if (shape.rank() < 2)
            throw ShapeError(fmt::format("expected (batch, channels) or (batch, channels, ...), not {}",
                                         to_string(shape)));
        if (group == 0 || shape[0] % std::min(group, shape[0]) != 0)
            throw ShapeError(fmt::format(
                "groups of {} samples do not divide the batch of {}: choose a group that divides it", group,
                shape[0]));
    });
    const std::size_t members = std::min(group, shape[0]), groups = shape[0] / members;
    const std::size_t values = shape.elements() / shape[0];
    const Tensor variance = moments(reshape(input, {members, groups * values}), {0}).variance;
    const Tensor deviation = mean(reshape(sqrt(variance + epsilon), {groups, values}), {1});
    std::vector<std::size_t> channel(shape.begin(), shape.end());
    channel[1] = 1;
    const std::size_t positions = values / shape[1];
    const Tensor repeated = broadcast_to(reshape(deviation, {1, groups, 1}), {members, groups, positions});
    return concat({input, reshape(repeated, Shape(channel))}, 1);
}

}  // namespace duet::models
