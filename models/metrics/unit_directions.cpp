#include <duet/models/metrics/unit_directions.hpp>

#include <cmath>

#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/ops/kernels/philox.hpp>
#include <duet/ops/math.hpp>

namespace duet::models {

Samples unit_directions(std::size_t count, std::size_t width, std::uint64_t seed) {
    if (width == 0) throw Error("directions of width 0");
    const philox::Key key = philox::make_key(seed, "unit directions");
    Samples directions = Samples::from_shape({count, width});
    philox::Words words;
    for (std::size_t i = 0; i < count; ++i) {
        double* const row = directions.data() + i * width;
        double square = 0;
        for (std::size_t j = 0; j < width; ++j) {
            // Every pair of words is two normal numbers; a row's pairs are those of the draw of its number.
            const std::size_t pair = j / 2 % (2 * philox::lanes), lane = pair % philox::lanes,
                              half = pair / philox::lanes;
            if (j % (4 * philox::lanes) == 0) philox::fill(key, i, j / 4, words);
            const double radius =
                std::sqrt(-2.0F * math::log_uniform<float>(words[2 * half * philox::lanes + lane]));
            const auto [sine, cosine] =
                math::sincos_turns<float>(words[(2 * half + 1) * philox::lanes + lane]);
            row[j] = radius * (j % 2 == 0 ? cosine : sine);
            square += row[j] * row[j];
        }
        for (std::size_t j = 0; j < width; ++j) row[j] /= std::sqrt(square);
    }
    return directions;
}

}  // namespace duet::models
