#include <duet/models/sampler.hpp>

#include <algorithm>

#include <xtensor/xarray.hpp>

#include <duet/ops/random.hpp>

namespace duet::models {

namespace {

// Always run whole, so that an image's place in its batch is always the same.
constexpr std::size_t batch = 64;

Program<float> compile_sampler(const GanModel& model, std::uint64_t seed, const Arena& arena) {
    Graph graph(seed);
    const Tensor latent = random_normal(graph, "latent", {batch, model.shape.latent()});
    return compile<float>(graph, {model.generator(latent)}, {}, arena);
}

}  // namespace

Sampler::Sampler(const GanModel& model, std::uint64_t seed, const Arena& arena)
    : pixels_(model.shape.image()), program_(compile_sampler(model, seed, arena)) {}

Array Sampler::draw(std::size_t count) {
    Array images = filled(Shape{count, pixels_}, 0.0f);
    for (std::size_t first = 0; first < count; first += batch) {
        const Array& drawn = program_.run({}, first / batch).front();
        std::copy_n(drawn.data(), std::min(batch, count - first) * pixels_, images.data() + first * pixels_);
    }
    return images;
}

}  // namespace duet::models
