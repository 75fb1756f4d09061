#include <doctest/doctest.h>

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

TEST_CASE("gradients lead through a translation to second order") {
    const auto report = check_gradients(
        [](Graph&, const std::vector<Tensor>& inputs) {
            const Tensor moved = random_translation(inputs[0], "move", 1);
            return moved * moved * moved;
        },
        {{3, 2, 3, 4}}, -1.0, 1.0);
    CHECK_MESSAGE(report.passed, report.message);
    CHECK(report.comparisons > 0);
}

TEST_CASE("a translation wants images, and by nothing is the images") {
    Graph graph;
    const Tensor images = graph.input("images", {2, 1, 3, 3});
    CHECK(random_translation(images, "move", 0).id() == images.id());
    CHECK_THROWS_AS(random_translation(graph.input("flat", {2, 9}), "move", 1), ShapeError);
}
