#include <duet/models/terms/augmentation.hpp>

#include <cmath>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/parameter_rules.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/shape_rules.hpp>
#include <duet/ops/shifting.hpp>

namespace duet::models {

namespace {

/// 0, 1, ... along one of four axes.
Tensor places_along(Graph& graph, std::size_t axis, std::size_t count) {
    std::vector<std::size_t> shape(4, 1);
    shape[axis] = count;
    ArrayOf<double> values = xt::zeros<double>(shape);
    for (std::size_t i = 0; i < count; ++i) values.data()[i] = static_cast<double>(i);
    return graph.constant(values);
}

void check_images(const char* function, const Tensor& images) {
    in_words_of(function, {&images, 1}, {}, [&] {
        if (images.shape().rank() != 4)
            throw ShapeError(
                fmt::format("images of shape {} are changed; expected (batch, channels, height, "
                            "width)",
                            to_string(images.shape())));
    });
}

/// `values` draws for each image of whole numbers 0 .. places-1, all equally likely, of shape (batch,
/// values). A uniform draw is at or above as many of the thresholds 1/places, 2/places, ...
Tensor whole_draws(const Tensor& images, std::string name, std::size_t values, std::size_t places,
                   Where where) {
    Graph& graph = images.graph();
    if (places == 1) return graph.constant(filled(Shape{images.shape()[0], values}, 0.0));
    ArrayOf<double> thresholds = xt::zeros<double>({std::size_t{1}, std::size_t{1}, places - 1});
    for (std::size_t i = 1; i < places; ++i)
        thresholds.data()[i - 1] = static_cast<double>(i) / static_cast<double>(places);
    const Tensor draws = random_uniform(graph, std::move(name), {images.shape()[0], values, 1}, where);
    return sum(greater_equal(draws, graph.constant(thresholds)), {2});
}

/// One of the draws of each image, (batch, 1, 1, 1).
Tensor column(const Tensor& draws, std::size_t which) {
    const std::size_t batch = draws.shape()[0];
    return reshape(slice(draws, {0, which}, {batch, which + 1}), {batch, 1, 1, 1});
}

void check_scalar(const char* function, const char* what, const Tensor& given) {
    in_words_of(function, {&given, 1}, {}, [&] {
        if (given.shape().rank() != 0)
            throw ShapeError(fmt::format("the {} has shape {}; expected a scalar, one for all images", what,
                                         to_string(given.shape())));
    });
}

/// 1 for the images that are changed, (batch, 1, 1, 1).
Tensor changed(const char* function, const Tensor& images, const std::string& name, const Tensor& probability,
               Where where) {
    check_scalar(function, "probability", probability);
    return less(random_uniform(images.graph(), name + ".changed", {images.shape()[0], 1, 1, 1}, where),
                probability);
}

/// 1 at the places from `first` on, `extent` of them, along an axis of `count`.
Tensor places_within(Graph& graph, std::size_t axis, std::size_t count, const Tensor& first,
                     std::size_t extent) {
    const Tensor place = places_along(graph, axis, count) - first;
    return greater_equal(place, 0.0) * less(place, static_cast<double>(extent));
}

}  // namespace

Tensor random_translation(Operand images, const std::string& name, std::size_t most,
                          const Tensor& probability) {
    const Tensor input = images.tensor();
    const WhereScope caller(input.graph(), images.where());
    check_images("random_translation", input);
    if (most == 0) return input;
    const std::size_t batch = input.shape()[0];
    const auto middle = static_cast<double>(most);
    Tensor moves = whole_draws(input, name, 2, 2 * most + 1, caller.where()) - middle;
    if (probability.valid())
        moves = moves *
                reshape(changed("random_translation", input, name, probability, caller.where()), {batch, 1});
    return shift2d(input, moves);
}

Tensor random_cutout(Operand images, const std::string& name, double share, const Tensor& probability) {
    const Tensor input = images.tensor();
    Graph& graph = input.graph();
    const WhereScope caller(graph, images.where());
    check_images("random_cutout", input);
    expect_share("random_cutout", "share", share, caller.where());
    Tensor cut;
    for (const std::size_t axis : {2, 3}) {
        const std::size_t side = input.shape()[axis];
        const auto extent = static_cast<std::size_t>(std::lround(share * static_cast<double>(side)));
        if (extent == 0) return input;
        // The middle of an even extent stands between two pixels: it has a place more than the side has
        // pixels.
        const std::size_t places = side + 1 - extent % 2, before = extent / 2;
        const Tensor middle = column(
            whole_draws(input, name + (axis == 2 ? ".down" : ".across"), 1, places, caller.where()), 0);
        const Tensor within = places_within(graph, axis, side, middle - static_cast<double>(before), extent);
        cut = cut.valid() ? cut * within : within;
    }
    if (probability.valid()) cut = cut * changed("random_cutout", input, name, probability, caller.where());
    return input * (1.0 - cut);
}

Tensor random_brightness(Operand images, const std::string& name, double most, const Tensor& probability) {
    const Tensor input = images.tensor();
    const WhereScope caller(input.graph(), images.where());
    check_images("random_brightness", input);
    expect_not_negative("random_brightness", "most", most, caller.where());
    const Tensor draws = random_uniform(input.graph(), name, {input.shape()[0], 1, 1, 1}, caller.where());
    Tensor added = 2.0 * most * draws - most;
    if (probability.valid())
        added = added * changed("random_brightness", input, name, probability, caller.where());
    return input + added;
}

Tensor instance_noise(Operand images, std::string name, Operand deviation) {
    const Tensor input = images.tensor();
    const WhereScope caller(input.graph(), images.where());
    const Tensor scale = deviation.tensor(input.graph());
    check_scalar("instance_noise", "deviation", scale);
    return input + scale * random_normal(input.graph(), std::move(name), input.shape(), caller.where());
}

}  // namespace duet::models
