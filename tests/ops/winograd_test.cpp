#include <duet/ops/kernels/winograd_convolution.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <duet/ops/kernels/convolution_plan.hpp>
#include <duet/ops/kernels/winograd_transforms.hpp>

using namespace duet;

namespace {

ConvolutionGeometry geometry(std::size_t channels, std::size_t features, std::size_t image,
                             std::size_t kernel, std::size_t stride, std::size_t padding) {
    const std::size_t size = (image + 2 * padding - kernel) / stride + 1;
    return {8,
            1,
            channels,
            features,
            {image, image},
            {kernel, kernel},
            {size, size},
            {stride, stride},
            {padding, padding},
            {1, 1}};
}

/// Values of a rectangle, `winograd_channels` channels each.
struct Values {
    std::vector<double> elements;
    Rectangle<double> at;

    Values() : elements(16 * winograd_channels) {
        for (std::size_t i = 0; i < 16; ++i) at[i / 4][i % 4] = elements.data() + i * winograd_channels;
    }
    explicit Values(std::uint32_t seed) : Values() {
        for (double& element : elements) {
            seed = seed * 1664525U + 1013904223U;
            element = static_cast<double>(static_cast<std::int32_t>(seed)) * 0x1p-31;
        }
    }
    double& operator()(std::size_t y, std::size_t x, std::size_t channel) { return at[y][x][channel]; }
    /// For a transform to read.
    struct From {
        Rectangle<const double> at;
    };
    From from() const {
        From pointers;
        for (std::size_t i = 0; i < 16; ++i) pointers.at[i / 4][i % 4] = at[i / 4][i % 4];
        return pointers;
    }
};

/// All numbers of points with the lengths of features and taps that they are for.
struct Kind {
    std::size_t points, features, taps;
};
constexpr std::array kinds{Kind{3, 2, 2}, Kind{4, 3, 2}, Kind{4, 2, 3}};

}  // namespace

TEST_CASE("features, image and weight of a tile are those of a correlation") {
    for (const Kind& down : kinds)
        for (const Kind& along : kinds) {
            INFO(down.points, " points, ", down.taps, " taps down; ", along.points, ", ", along.taps,
                 " along");
            const Extents points{down.points, along.points}, features{down.features, along.features},
                taps{down.taps, along.taps};
            Values pixels(1), weight(2), seed(3);
            Values y, dd, dw, at_pixels, at_weight, at_seed, product;
            spread(points, pixels.from().at, at_pixels.at, winograd_channels);
            evaluate(points, taps, weight.from().at, at_weight.at, winograd_channels);
            evaluate(points, features, seed.from().at, at_seed.at, winograd_channels);
            const auto multiply = [&](const Values& a, const Values& b) {
                for (std::size_t i = 0; i < product.elements.size(); ++i)
                    product.elements[i] = a.elements[i] * b.elements[i];
            };
            multiply(at_pixels, at_weight);
            collect(points, features, product.from().at, y.at, winograd_channels);
            multiply(at_seed, at_weight);
            join(points, product.from().at, dd.at, winograd_channels);
            multiply(at_pixels, at_seed);
            collect(points, taps, product.from().at, dw.at, winograd_channels);
            double difference = 0;
            for (std::size_t channel = 0; channel < winograd_channels; ++channel) {
                std::array<std::array<double, 4>, 4> image{}, kernel{}, result{};
                for (std::size_t i = 0; i < features[0]; ++i)
                    for (std::size_t j = 0; j < features[1]; ++j)
                        for (std::size_t s = 0; s < taps[0]; ++s)
                            for (std::size_t t = 0; t < taps[1]; ++t) {
                                result[i][j] += pixels(i + s, j + t, channel) * weight(s, t, channel);
                                image[i + s][j + t] += seed(i, j, channel) * weight(s, t, channel);
                                kernel[s][t] += pixels(i + s, j + t, channel) * seed(i, j, channel);
                            }
                const auto compare = [&](const auto& expected, Values& found, const Extents& extents) {
                    for (std::size_t i = 0; i < extents[0]; ++i)
                        for (std::size_t j = 0; j < extents[1]; ++j)
                            difference =
                                std::max(difference, std::abs(expected[i][j] - found(i, j, channel)));
                };
                compare(result, y, features);
                compare(image, dd, points);
                compare(kernel, dw, taps);
            }
            CHECK(difference < 1e-14);
        }
}

TEST_CASE("tiles cover the features once, in threes and twos") {
    for (const std::size_t taps : {std::size_t{2}, std::size_t{3}})
        for (std::size_t size = 2; size < 40; ++size) {
            INFO(taps, " taps, ", size, " features");
            const ConvolutionGeometry g = geometry(16, 16, size + taps - 1, taps, 1, 0);
            const WinogradAxis axis = winograd_axes(g)[0];
            std::size_t end = 0, points = 0;
            for (std::size_t tile = 0; tile < axis.tiles; ++tile) {
                CHECK(axis.begin(tile) == end);
                end += axis.outputs_of(tile);
                points += axis.points_of(tile);
            }
            CHECK(end == (taps == 2 ? size : size + size % 2));
            CHECK(points == axis.all_points());
        }
    const auto points = [](const ConvolutionGeometry& g) { return winograd_axes(g)[0].all_points(); };
    CHECK(points(geometry(64, 128, 14, 4, 2, 1)) == 10);
    CHECK(points(geometry(64, 128, 32, 4, 2, 1)) == 22);
    CHECK(points(geometry(64, 128, 16, 3, 1, 1)) == 32);
}

TEST_CASE("minimal filtering is chosen where it saves multiplications") {
    CHECK(filters_minimally(geometry(64, 128, 14, 4, 2, 1)));
    CHECK(filters_minimally(geometry(16, 16, 32, 3, 1, 1)));
    CHECK_FALSE(filters_minimally(geometry(1, 64, 28, 4, 2, 1)));
    CHECK_FALSE(filters_minimally(geometry(64, 24, 14, 4, 2, 1)));
    CHECK_FALSE(filters_minimally(geometry(64, 64, 14, 1, 1, 0)));
    CHECK_FALSE(filters_minimally(geometry(64, 64, 15, 3, 2, 1)));
    CHECK_FALSE(filters_minimally(geometry(64, 64, 9, 5, 1, 2)));
    CHECK_FALSE(filters_minimally(geometry(64, 64, 3, 3, 1, 1)));
    CHECK_FALSE(filters_minimally(geometry(64, 64, 512, 3, 1, 1)));
    ConvolutionGeometry dilated = geometry(64, 64, 16, 3, 1, 1);
    dilated.dilation = {1, 2};
    CHECK_FALSE(filters_minimally(dilated));
    ConvolutionGeometry other_batch = geometry(64, 128, 14, 4, 2, 1);
    for (const std::size_t batch : {1, 1000}) {
        other_batch.batch = batch;
        CHECK(filters_minimally(other_batch));
    }
}
