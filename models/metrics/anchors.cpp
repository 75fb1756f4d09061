#include <duet/models/metrics/anchors.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/image_array.hpp>
#include <duet/data/permutation.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/ops/random.hpp>

namespace duet::models {

Dataset chosen_images(const Dataset& data, const std::vector<std::size_t>& indices) {
    Dataset chosen{indices.size(), data.height, data.width, data.channels, {}, {}, data.class_names};
    chosen.images.reserve(indices.size() * data.image_size());
    for (const std::size_t i : indices) {
        if (i >= data.count)
            throw Error(fmt::format("image {} is chosen of {}; they are counted from 0", i, data.count));
        const auto first = data.images.begin() + static_cast<std::ptrdiff_t>(i * data.image_size());
        chosen.images.insert(chosen.images.end(), first,
                             first + static_cast<std::ptrdiff_t>(data.image_size()));
        if (data.has_labels()) chosen.labels.push_back(data.labels[i]);
    }
    return chosen;
}

std::vector<std::size_t> drawn_indices(std::size_t n, std::size_t count, std::uint64_t seed) {
    const Permutation permutation(n, seed, 0);
    std::vector<std::size_t> indices(std::min(count, n));
    for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = permutation(i);
    return indices;
}

Dataset gaussian_images(const Dataset& data, std::size_t count, std::uint64_t seed) {
    const std::size_t values = data.image_size();
    std::vector<double> mean(values), deviation(values);
    for (std::size_t i = 0; i < data.images.size(); ++i) mean[i % values] += data.images[i] / 255.0;
    for (double& each : mean) each /= static_cast<double>(data.count);
    for (std::size_t i = 0; i < data.images.size(); ++i) {
        const double off = data.images[i] / 255.0 - mean[i % values];
        deviation[i % values] += off * off;
    }
    for (double& each : deviation) each = std::sqrt(each / static_cast<double>(data.count));

    constexpr std::size_t at_a_time = 64;
    Graph graph(seed);
    auto program = compile<float>(graph, {random_normal(graph, "pixels", {at_a_time, values})});
    Dataset drawn{count, data.height, data.width, data.channels, Bytes(count * values), {}, {}};
    for (std::size_t first = 0; first < count; first += at_a_time) {
        const float* const normals = program.run({}, first / at_a_time)[0].data();
        const std::size_t taken = std::min(at_a_time, count - first) * values;
        for (std::size_t i = 0; i < taken; ++i)
            drawn.images[first * values + i] = byte_of(static_cast<float>(
                mean[i % values] + deviation[i % values] * static_cast<double>(normals[i])));
    }
    return drawn;
}

}  // namespace duet::models
