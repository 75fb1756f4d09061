#include <duet/models/terms/augmentation.hpp>

#include <array>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet::models {

namespace {

/// first, first + step, ..., along one of four axes.
Tensor counted(Graph& graph, std::size_t axis, std::size_t count, std::size_t step) {
    std::vector<std::size_t> shape(4, 1);
    shape[axis] = count;
    ArrayOf<double> values = xt::zeros<double>(shape);
    for (std::size_t i = 0; i < count; ++i) values.data()[i] = static_cast<double>(i * step);
    return graph.constant(values);
}

}  // namespace

Tensor random_translation(Operand images, std::string name, std::size_t most) {
    const Tensor input = images.tensor();
    Graph& graph = input.graph();
    const WhereScope caller(graph, images.where());
    const Shape& shape = input.shape();
    in_words_of("random_translation", {&input, 1}, {}, [&] {
        if (shape.rank() != 4)
            throw ShapeError(
                fmt::format("images of shape {} are moved; expected (batch, channels, height, "
                            "width)",
                            to_string(shape)));
    });
    if (most == 0) return input;
    const std::size_t height = shape[2] + 2 * most, width = shape[3] + 2 * most, places = 2 * most + 1;
    const Tensor padded = pad(input, {0, 0, most, most}, {0, 0, most, most});

    // A uniform draw is at or above as many of the thresholds 1/places, 2/places, ... as the move has pixels.
    ArrayOf<double> thresholds = xt::zeros<double>({std::size_t{1}, std::size_t{1}, places - 1});
    for (std::size_t i = 1; i < places; ++i)
        thresholds.data()[i - 1] = static_cast<double>(i) / static_cast<double>(places);
    const Tensor draws = random_uniform(graph, std::move(name), {shape[0], 2, 1}, caller.where());
    const Tensor moves = sum(greater_equal(draws, graph.constant(thresholds)), {2});
    const Tensor down = reshape(slice(moves, {0, 0}, {shape[0], 1}), {shape[0], 1, 1, 1});
    const Tensor across = reshape(slice(moves, {0, 1}, {shape[0], 2}), {shape[0], 1, 1, 1});

    const Tensor first =
        counted(graph, 0, shape[0], shape[1] * height * width) + static_cast<double>(width) * down + across;
    const Tensor inside = counted(graph, 1, shape[1], height * width) + counted(graph, 2, shape[2], width) +
                          counted(graph, 3, shape[3], 1);
    return gather(reshape(padded, {padded.shape().elements()}), first + inside);
}

}  // namespace duet::models
