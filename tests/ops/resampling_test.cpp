#include <duet/ops/resampling.hpp>

#include <string>
#include <vector>

#include <duet/graph/error.hpp>

#include "layer_fixtures.hpp"

using namespace duet;
using namespace duet::testing;

TEST_CASE_TEMPLATE("resamplings, their gradients and the gradients of these are PyTorch's", T, float,
                   double) {
    for (const std::size_t factor : {2, 3}) {
        const std::string suffix = factor == 2 ? "_2" : "_3";
        check_layer<T>("upsample_nearest2d" + suffix,
                       [factor](const auto& in) { return upsample_nearest2d(in[0], factor); });
        for (const char* size : {"", "_line"}) {
            check_layer<T>("upsample_bilinear2d" + suffix + size,
                           [factor](const auto& in) { return upsample_bilinear2d(in[0], factor); });
            check_layer<T>("upsample_bilinear2d_aligned" + suffix + size,
                           [factor](const auto& in) { return upsample_bilinear2d(in[0], factor, true); });
        }
        check_layer<T>("pixel_shuffle" + suffix,
                       [factor](const auto& in) { return pixel_shuffle(in[0], factor); });
    }
}

TEST_CASE("a factor of 1 changes nothing") {
    const Argument x{{2, 3, 4, 1}, varied({2, 3, 4, 1})};
    CHECK(values_of(evaluate([](const auto& in) { return upsample_nearest2d(in[0], 1); }, {x})) == x.values);
    CHECK(values_of(evaluate([](const auto& in) { return upsample_bilinear2d(in[0], 1); }, {x})) == x.values);
    CHECK(values_of(evaluate([](const auto& in) { return upsample_bilinear2d(in[0], 1, true); }, {x})) ==
          x.values);
    CHECK(values_of(evaluate([](const auto& in) { return pixel_shuffle(in[0], 1); }, {x})) == x.values);
}

TEST_CASE("a resampling says what does not fit") {
    Graph graph;
    const Tensor x = graph.input("x", {2, 6, 4, 5}), rows = graph.input("rows", {4, 5});
    const auto message = [](const auto& build) { return message_of<ShapeError>(build); };
    CHECK(contains(message([&] { upsample_nearest2d(rows, 2); }),
                   "upsample_nearest2d: shape (4, 5) must have four axes"));
    CHECK(contains(message([&] { upsample_bilinear2d(x, 0); }),
                   "upsample_bilinear2d: the factor is 0; it must be at least 1"));
    CHECK(contains(message([&] { pixel_shuffle(x, 2); }),
                   "pixel_shuffle: the 6 channels of shape (2, 6, 4, 5) are no multiple of 2 x 2"));
    CHECK(contains(message([&] { pixel_shuffle(x, std::size_t{1} << 32); }), "no multiple of"));
}
