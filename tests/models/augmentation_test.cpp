#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include <xtensor/xarray.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::models;

TEST_CASE("each image is moved by whole pixels of its own, every move as often") {
    constexpr std::size_t batch = 500, height = 4, width = 6, most = 2;
    Graph graph(3);
    const Tensor input = graph.input("images", {batch, 2, height, width});
    auto program = compile<float>(graph, {random_translation(input, "move", most)});
    Array images = filled(input.shape(), 0.0F);
    for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = static_cast<float>(i + 1);
    const Array& moved = program.run({{input, images}}, 7)[0];

    std::set<std::pair<int, int>> seen;
    for (std::size_t i = 0; i < batch; ++i) {
        int fits = 0;
        for (int down = 0; down <= 2 * int{most}; ++down)
            for (int across = 0; across <= 2 * int{most}; ++across) {
                bool same = true;
                for (std::size_t c = 0; c < 2; ++c)
                    for (std::size_t y = 0; y < height; ++y)
                        for (std::size_t x = 0; x < width; ++x) {
                            const auto from_y =
                                static_cast<std::size_t>(static_cast<int>(y) + down - int{most});
                            const auto from_x =
                                static_cast<std::size_t>(static_cast<int>(x) + across - int{most});
                            const bool inside = from_y < height && from_x < width;
                            same =
                                same && moved(i, c, y, x) == (inside ? images(i, c, from_y, from_x) : 0.0F);
                        }
                if (!same) continue;
                ++fits;
                seen.emplace(down, across);
            }
        CHECK(fits == 1);
    }
    CHECK(seen.size() == 25);
}

TEST_CASE("a translation wants images, and by nothing is the images") {
    Graph graph;
    const Tensor images = graph.input("images", {2, 1, 3, 3});
    CHECK(random_translation(images, "move", 0).id() == images.id());
    CHECK_THROWS_AS(random_translation(graph.input("flat", {2, 9}), "move", 1), ShapeError);
}

TEST_CASE("a cutout makes one rectangle 0, its middle everywhere, and leaves the rest as it is") {
    constexpr std::size_t batch = 2000, height = 5, width = 4;
    Graph graph(5);
    const Tensor input = graph.input("images", {batch, 2, height, width});
    auto program = compile<float>(graph, {random_cutout(input, "cut", 0.5)});
    Array images = filled(input.shape(), 0.0F);
    for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = static_cast<float>(i + 1);
    const Array& cut = program.run({{input, images}}, 2)[0];

    // A side of 5 cuts 3 rows around a middle of 0 to 4; one of 4 cuts 2 columns before a middle of 0 to 4.
    std::map<std::pair<int, int>, int> seen;
    int unlike = 0;
    for (std::size_t i = 0; i < batch; ++i)
        for (int down = 0; down <= 4; ++down)
            for (int across = 0; across <= 4; ++across) {
                bool same = true;
                for (std::size_t c = 0; c < 2; ++c)
                    for (int y = 0; y < int{height}; ++y)
                        for (int x = 0; x < int{width}; ++x) {
                            const bool inside =
                                y >= down - 1 && y <= down + 1 && x >= across - 1 && x <= across;
                            const auto row = static_cast<std::size_t>(y),
                                       column = static_cast<std::size_t>(x);
                            same =
                                same && cut(i, c, row, column) == (inside ? 0.0F : images(i, c, row, column));
                        }
                if (same) ++seen[{down, across}];
                unlike += !same;
            }
    CHECK(unlike == 24 * int{batch});
    REQUIRE(seen.size() == 25);
    // 80 of each are expected, 8.8 the standard deviation.
    for (const auto& [place, count] : seen) CHECK(std::abs(count - 80) < 40);
}

TEST_CASE("brightness adds one number an image, uniform between its bounds, and noise normals") {
    constexpr std::size_t batch = 1000, pixels = 6;
    Graph graph(5);
    const Tensor input = graph.input("images", {batch, 1, 2, 3});
    auto program = compile<float>(
        graph, {random_brightness(input, "brightness", 0.5), instance_noise(input, "noise", 0.25)});
    const Array zeros = filled(input.shape(), 0.0F);
    program.run({{input, zeros}}, 1);
    const Array &added = program[0], &noise = program[1];
    double sum = 0, squares = 0, noise_squares = 0;
    for (std::size_t i = 0; i < batch; ++i) {
        for (std::size_t j = 0; j < pixels; ++j) {
            CHECK(added.data()[i * pixels + j] == added.data()[i * pixels]);
            noise_squares += std::pow(static_cast<double>(noise.data()[i * pixels + j]), 2);
        }
        const auto value = static_cast<double>(added.data()[i * pixels]);
        CHECK(std::abs(value) <= 0.5);
        sum += value;
        squares += value * value;
    }
    // Four standard deviations: 0.2887 / sqrt(1000), and 1/12 within 4 x 0.0745 / sqrt(1000).
    CHECK(std::abs(sum / batch) < 0.037);
    CHECK(std::abs(squares / batch - 1.0 / 12) < 0.0095);
    CHECK(std::abs(noise_squares / (batch * pixels) - 0.0625) < 0.0046);
}

TEST_CASE("an image is changed with the probability given, and otherwise as it was") {
    constexpr std::size_t batch = 4000, pixels = 16;
    const auto share_changed = [&](const std::function<Tensor(const Tensor&, const Tensor&)>& change,
                                   double probability) {
        Graph graph(5);
        const Tensor input = graph.input("images", {batch, 1, 4, 4});
        auto program = compile<float>(graph, {change(input, graph.constant(probability))});
        Array images = filled(input.shape(), 0.0F);
        for (std::size_t i = 0; i < images.size(); ++i)
            images.data()[i] = 1.0F + static_cast<float>(i * 31 % 97);
        const Array& result = program.run({{input, images}}, 3)[0];
        std::size_t changed = 0;
        for (std::size_t i = 0; i < batch; ++i)
            changed += !std::equal(images.data() + i * pixels, images.data() + (i + 1) * pixels,
                                   result.data() + i * pixels);
        return static_cast<double>(changed) / batch;
    };
    const auto translation = [](const Tensor& images, const Tensor& p) {
        return random_translation(images, "move", 1, p);
    };
    const auto cutout = [](const Tensor& images, const Tensor& p) {
        return random_cutout(images, "cut", 0.5, p);
    };
    const auto brightness = [](const Tensor& images, const Tensor& p) {
        return random_brightness(images, "bright", 0.5, p);
    };
    CHECK(share_changed(translation, 0) == 0);
    CHECK(share_changed(cutout, 0) == 0);
    CHECK(share_changed(brightness, 0) == 0);
    // 0.3 of them within four standard deviations, 0.029; one move of nine is none.
    CHECK(std::abs(share_changed(translation, 0.3) - 0.3 * 8 / 9) < 0.029);
    CHECK(std::abs(share_changed(cutout, 0.3) - 0.3) < 0.029);
    CHECK(std::abs(share_changed(brightness, 0.3) - 0.3) < 0.029);
}

TEST_CASE("gradients lead through every change to second order") {
    using Change = std::function<Tensor(const Tensor&)>;
    const std::vector<Change> changes = {
        [](const Tensor& x) { return random_translation(x, "move", 1); },
        [](const Tensor& x) { return random_translation(x, "move", 1, x.graph().constant(0.5)); },
        [](const Tensor& x) { return random_cutout(x, "cut", 0.5, x.graph().constant(0.5)); },
        [](const Tensor& x) { return random_brightness(x, "bright", 0.5, x.graph().constant(0.5)); },
        [](const Tensor& x) { return instance_noise(x, "noise", 0.1); }};
    for (const Change& change : changes) {
        const auto report = check_gradients(
            [&](Graph&, const std::vector<Tensor>& inputs) {
                const Tensor changed = change(inputs[0]);
                return changed * changed * changed;
            },
            {{3, 2, 3, 4}}, -1.0, 1.0);
        CHECK_MESSAGE(report.passed, report.message);
        CHECK(report.comparisons > 0);
    }
}

TEST_CASE("changes out of range are refused") {
    Graph graph;
    const Tensor images = graph.input("images", {2, 1, 3, 3}), flat = graph.input("flat", {2, 9});
    CHECK_THROWS_AS(random_cutout(images, "cut", 1.5), Error);
    CHECK_THROWS_AS(random_brightness(images, "bright", -1), Error);
    CHECK_THROWS_AS(random_cutout(flat, "cut", 0.5), ShapeError);
    CHECK_THROWS_AS(random_brightness(flat, "bright", 0.5), ShapeError);
    const Tensor wide = graph.input("wide", {4, 1, 2, 4}), four = graph.input("four", {4});
    CHECK_THROWS_AS(random_translation(wide, "move", 1, four), ShapeError);
    CHECK_THROWS_AS(random_cutout(wide, "cut", 0.5, four), ShapeError);
    CHECK_THROWS_AS(random_brightness(wide, "bright", 0.5, four), ShapeError);
    CHECK_THROWS_AS(instance_noise(wide, "noise", four), ShapeError);
    CHECK(instance_noise(flat, "noise", 0.5).shape() == flat.shape());
}

TEST_CASE("an image one pixel high is cut like any other") {
    Graph graph(1);
    const Tensor images = graph.input("images", {64, 1, 1, 3});
    auto program = compile<float>(graph, {random_cutout(images, "cut", 0.5)});
    const Array& cut = program.run({{images, filled(images.shape(), 1.0F)}}, 0)[0];
    for (std::size_t i = 0; i < 64; ++i) CHECK(cut(i, 0, 0, 0) + cut(i, 0, 0, 1) + cut(i, 0, 0, 2) < 2.5F);
}
