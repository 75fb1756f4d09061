#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

/// Something that throws, called on line `line`.
struct Faulty {
    std::string name;
    std::function<void(unsigned& line)> call;
};

void check_lines(const std::vector<Faulty>& cases) {
    for (const Faulty& each : cases) {
        unsigned line = 0;
        std::string message = "nothing was thrown";
        try {
            each.call(line);
        } catch (const Error& error) {
            message = error.what();
        }
        const std::string place = "where_test.cpp:" + std::to_string(line) + ": ";
        CHECK_MESSAGE(message.substr(0, place.size()) == place, each.name << ": " << message);
    }
}

}  // namespace

TEST_CASE("errors of networks name the caller's line, when they are built and when they are called") {
    models::Network net("net"), conditional("conditional"), projection("projection");
    conditional.add_batch_norm({.channels = 2, .classes = 3}, 0);
    projection.add_projection(2, 3, {}, 0);
    const Variable weight("weight", Shape{3, 2}, 0.0F), bias("bias", Shape{3}, 0.0F);
    const auto dense = models::mlp("mlp", {2, 3, 1}, relu, linear, 0);
    models::Network dropping("dropping"), leaking("leaking"), drawing("drawing");
    dropping.add([](const Tensor& x) { return dropout(x, "mask", 2.0); });
    leaking.add([](const Tensor& x) { return clip(x, 1, 0); });
    drawing.add([](const Tensor& x) { return x + random_normal(x.graph(), "", x.shape()); });
    Graph graph, other;
    const Tensor x = graph.input("x", {4, 2}), wide = graph.input("wide", {4, 5}), y = other.input("y", {4});
    check_lines({
        {"mlp, one width", [&](unsigned& line) { line = __LINE__, models::mlp("m", {1}, relu, linear, 0); }},
        {"mlp, too wide",
         [&](unsigned& line) {
             line = __LINE__ + 1;
             models::mlp("m", {std::size_t{1} << 40, std::size_t{1} << 40}, relu, linear, 0);
         }},
        {"mlp, a width of 0",
         [&](unsigned& line) {
             line = __LINE__, models::mlp("m", {0, 1}, relu, linear, 0);
         }},
        {"add_dense", [&](unsigned& line) { line = __LINE__, net.add_dense(0, 1, {}, 0); }},
        {"add_conv2d",
         [&](unsigned& line) {
             line = __LINE__, net.add_conv2d({1, 1, 0}, {}, 0);
         }},
        {"add_conv2d, no groups",
         [&](unsigned& line) {
             line = __LINE__ + 1;
             net.add_conv2d({.inputs = 1, .outputs = 1, .kernel = 1, .how = {.groups = 0}}, {}, 0);
         }},
        {"add_conv_transpose2d",
         [&](unsigned& line) {
             line = __LINE__, net.add_conv_transpose2d({0, 1, 1}, {}, 0);
         }},
        {"add_batch_norm", [&](unsigned& line) { line = __LINE__, net.add_batch_norm({.channels = 0}, 0); }},
        {"add_batch_norm, epsilon",
         [&](unsigned& line) {
             line = __LINE__ + 1;
             net.add_batch_norm({.channels = 1, .epsilon = -1e-5}, 0);
         }},
        {"add_reshape",
         [&](unsigned& line) {
             line = __LINE__, net.add_reshape({2, 0});
         }},
        {"add_projection", [&](unsigned& line) { line = __LINE__, net.add_projection(1, 0, {}, 0); }},
        {"initialized", [&](unsigned& line) { line = __LINE__, models::initialized("", Shape{2}, {}, 0); }},
        {"a call of another width", [&](unsigned& line) { line = __LINE__, dense(wide); }},
        {"a call with nothing", [&](unsigned& line) { line = __LINE__, dense(Tensor()); }},
        {"a conditional layer", [&](unsigned& line) { line = __LINE__, conditional(x); }},
        {"a projection", [&](unsigned& line) { line = __LINE__, projection(x); }},
        {"labels of another graph",
         [&](unsigned& line) { line = __LINE__, projection(x, models::Mode::training, y); }},
        {"a layer that drops too much", [&](unsigned& line) { line = __LINE__, dropping(x); }},
        {"a layer that clips between nothing", [&](unsigned& line) { line = __LINE__, leaking(x); }},
        {"a layer that draws without a name", [&](unsigned& line) { line = __LINE__, drawing(x); }},
        {"dense", [&](unsigned& line) { line = __LINE__, models::dense(wide, weight, bias); }},
    });
}

TEST_CASE("errors of losses and penalties name the caller's line") {
    Graph graph, other;
    const Tensor real = graph.input("real", {4, 2}), fake = graph.input("fake", {3, 2});
    const Tensor elsewhere = other.input("elsewhere", {4, 1}), score = sum(real, {1}, true);
    const GradientTape tape(graph), late(graph);
    const Tensor apart = graph.input("apart", {4, 2});
    const auto weighted = [&](models::LossFunction loss) {
        return [&, loss](unsigned& line) { line = __LINE__, loss(score, score, {elsewhere, score}); };
    };
    check_lines({
        {"r1, weight", [&](unsigned& line) { line = __LINE__, models::r1(tape, score, real, -1); }},
        {"r1, no path", [&](unsigned& line) { line = __LINE__, models::r1(tape, score, apart, 1); }},
        {"r1, no images", [&](unsigned& line) { line = __LINE__, models::r1(tape, score, Tensor(), 1); }},
        {"r1, no score", [&](unsigned& line) { line = __LINE__, models::r1(tape, Tensor(), real, 1); }},
        {"r1, two graphs", [&](unsigned& line) { line = __LINE__, models::r1(tape, elsewhere, real, 1); }},
        {"gradient_penalty, weight",
         [&](unsigned& line) { line = __LINE__, models::gradient_penalty(tape, score, real, -1); }},
        {"gradient_penalty, no path",
         [&](unsigned& line) { line = __LINE__, models::gradient_penalty(tape, score, apart, 1); }},
        {"gradient_penalty, no points",
         [&](unsigned& line) { line = __LINE__, models::gradient_penalty(tape, score, Tensor(), 1); }},
        {"zero_centred_penalty, weight",
         [&](unsigned& line) { line = __LINE__, models::zero_centred_penalty(tape, score, real, -1); }},
        {"zero_centred_penalty, no path",
         [&](unsigned& line) { line = __LINE__, models::zero_centred_penalty(tape, score, apart, 1); }},
        {"interpolated, no name",
         [&](unsigned& line) { line = __LINE__, models::interpolated(real, real, ""); }},
        {"interpolated, shapes", [&](unsigned& line) { line = __LINE__, models::interpolated(real, fake); }},
        {"minimax", [&](unsigned& line) { line = __LINE__, models::minimax(score, elsewhere); }},
        {"non_saturating",
         [&](unsigned& line) { line = __LINE__, models::non_saturating(score, elsewhere); }},
        {"wasserstein", [&](unsigned& line) { line = __LINE__, models::wasserstein(score, elsewhere); }},
        {"hinge", [&](unsigned& line) { line = __LINE__, models::hinge(score, elsewhere); }},
        {"as_listed", [&](unsigned& line) { line = __LINE__, models::as_listed(score, elsewhere); }},
        {"least_squares", [&](unsigned& line) { line = __LINE__, models::least_squares(score, elsewhere); }},
        {"least_squares, label",
         [&](unsigned& line) {
             line = __LINE__, models::least_squares(score, score, {}, {NAN, 0, 1});
         }},
        {"relativistic_average",
         [&](unsigned& line) { line = __LINE__, models::relativistic_average(score, elsewhere); }},
        {"minimax, label", [&](unsigned& line) { line = __LINE__, models::minimax(score, score, {}, 2); }},
        {"non_saturating, label",
         [&](unsigned& line) { line = __LINE__, models::non_saturating(score, score, {}, 2); }},
        {"minimax, weights", weighted(models::minimax)},
        {"non_saturating, weights", weighted(models::non_saturating)},
        {"wasserstein, weights", weighted(models::wasserstein)},
    });
}

TEST_CASE("errors of samplers name the caller's line") {
    const models::Model model = make_gan({{2, 784}, {784, 1}}, 0);
    models::Model mixed = model;
    mixed.networks[0] = models::mlp("generator", {3, 1}, relu, linear, 0);
    models::Sampler sampler(model, 0);
    const std::vector<std::size_t> labels{1};
    const std::vector<float> latent{1, 2};
    check_lines({
        {"Sampler", [&](unsigned& line) { line = __LINE__, models::Sampler(mixed, 0); }},
        {"draw, labels", [&](unsigned& line) { line = __LINE__, sampler.draw(1, labels); }},
        {"draw, nothing", [&](unsigned& line) { line = __LINE__, sampler.draw(0); }},
        {"draw_at",
         [&](unsigned& line) {
             line = __LINE__, sampler.draw_at(filled(Shape{1, 3}, 0.0F));
         }},
        {"spherical_interpolation",
         [&](unsigned& line) { line = __LINE__, models::spherical_interpolation(latent, latent, 1); }},
        {"spherical_interpolation, sizes",
         [&](unsigned& line) { line = __LINE__, models::spherical_interpolation(latent, {}, 2); }},
    });
}
