#include <duet/models/sampler.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/random.hpp>

namespace duet::models {

namespace {

// Always run whole, so that an image's place in its batch is always the same.
constexpr std::size_t batch = 64;

Program<float> compile_latents(std::size_t latent, std::uint64_t seed, const Arena& arena) {
    Graph graph(seed);
    return compile<float>(graph, {random_normal(graph, "latent", {batch, latent})}, {}, arena);
}

Program<float> compile_images(const Model& model, const Tensor& latent, const Tensor& labels,
                              const Arena& arena, Where where) {
    const WhereScope caller(latent.graph(), where);
    Tensor images = model.drawing()(latent, Mode::inference, labels);
    if (images.shape().elements() != batch * model.images.values())
        throw ShapeError(
            fmt::format("{}: the generator draws {} numbers an image; the model's images are {}x{} with {} "
                        "channel(s), {} numbers",
                        to_string(where), images.shape().elements() / batch, model.images.height,
                        model.images.width, model.images.channels, model.images.values()));
    if (model.images.range == ValueRange::symmetric) images = 0.5 * images + 0.5;
    return compile<float>(latent.graph(), {images}, {}, arena);
}

void check_labels(std::span<const std::size_t> labels, std::size_t count, std::size_t classes, Where where) {
    if (labels.empty()) return;
    if (classes == 0)
        throw Error(fmt::format("{}: labels were given, but the model is not conditional", to_string(where)));
    if (labels.size() != count)
        throw Error(fmt::format("{}: {} labels for {} images: give each image one", to_string(where),
                                labels.size(), count));
    for (const std::size_t label : labels)
        if (label >= classes)
            throw Error(fmt::format("{}: class {} is not the model's: its classes are 0 to {}",
                                    to_string(where), label, classes - 1));
}

}  // namespace

Sampler::Sampler(const Model& model, std::uint64_t seed, const Arena& arena, Where where)
    : format_(model.images),
      latent_(model.latent),
      graph_(std::make_unique<Graph>(seed)),
      latent_input_(graph_->input("latents", {batch, latent_})),
      label_input_(format_.classes == 0 ? Tensor() : graph_->input("labels", {batch})),
      latents_(compile_latents(latent_, seed, arena)),
      images_(compile_images(model, latent_input_, label_input_, arena, where)) {}

Array Sampler::latents(std::size_t first, std::size_t count, Where where) {
    if (count == 0) throw Error(fmt::format("{}: no images are asked for", to_string(where)));
    const std::size_t size = latent_;
    Array all = filled(Shape{count, size}, 0.0F);
    for (std::size_t done = 0; done < count;) {
        const std::size_t place = (first + done) % batch, taken = std::min(batch - place, count - done);
        const Array& drawn = latents_.run({}, (first + done) / batch).front();
        std::copy_n(drawn.data() + place * size, taken * size, all.data() + done * size);
        done += taken;
    }
    return all;
}

Array Sampler::draw(std::size_t count, std::span<const std::size_t> labels, Where where) {
    return draw_at(latents(0, count, where), labels, where);
}

Array Sampler::draw_at(const Array& latents, std::span<const std::size_t> labels, Where where) {
    const Shape shape = shape_of(latents);
    if (shape.rank() != 2 || shape[1] != latent_)
        throw ShapeError(fmt::format("{}: latents of shape {}; expected (count, {})", to_string(where),
                                     to_string(shape), latent_));
    const std::size_t count = shape[0], pixels = format_.values();
    check_labels(labels, count, format_.classes, where);
    Array images = filled(Shape{count, format_.channels, format_.height, format_.width}, 0.0F),
          latent_batch = filled(latent_input_.shape(), 0.0F), label_batch = filled(Shape{batch}, 0.0F);
    std::vector<Feed> feeds{{latent_input_, latent_batch}};
    if (label_input_.valid()) feeds.push_back({label_input_, label_batch});
    for (std::size_t first = 0; first < count; first += batch) {
        const std::size_t taken = std::min(batch, count - first);
        std::copy_n(latents.data() + first * shape[1], taken * shape[1], latent_batch.data());
        for (std::size_t i = 0; i < taken && format_.classes > 0; ++i)
            label_batch.data()[i] =
                static_cast<float>(labels.empty() ? (first + i) % format_.classes : labels[first + i]);
        const Array& drawn = images_.run(feeds).front();
        std::copy_n(drawn.data(), taken * pixels, images.data() + first * pixels);
    }
    return images;
}

Array spherical_interpolation(std::span<const float> from, std::span<const float> to, std::size_t count,
                              Where where) {
    if (count < 2)
        throw Error(fmt::format("{}: an interpolation of {} points; it has at least two ends",
                                to_string(where), count));
    if (from.empty() || from.size() != to.size())
        throw ShapeError(fmt::format("{}: latents of {} and {} numbers cannot be interpolated",
                                     to_string(where), from.size(), to.size()));
    double product = 0, from_square = 0, to_square = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
        const auto a = static_cast<double>(from[i]), b = static_cast<double>(to[i]);
        product += a * b;
        from_square += a * a;
        to_square += b * b;
    }
    const double cosine = product / std::sqrt(from_square * to_square);
    const double angle = std::isfinite(cosine) ? std::acos(std::clamp(cosine, -1.0, 1.0)) : 0.0;
    constexpr double least_sine = 1e-6;
    const double sine = std::sin(angle);
    Array points = filled(Shape{count, from.size()}, 0.0F);
    for (std::size_t k = 0; k < count; ++k) {
        const double t = static_cast<double>(k) / static_cast<double>(count - 1);
        const bool straight = sine < least_sine;
        const double from_part = straight ? 1 - t : std::sin((1 - t) * angle) / sine;
        const double to_part = straight ? t : std::sin(t * angle) / sine;
        for (std::size_t i = 0; i < from.size(); ++i)
            points.data()[k * from.size() + i] = static_cast<float>(from_part * static_cast<double>(from[i]) +
                                                                    to_part * static_cast<double>(to[i]));
    }
    return points;
}

}  // namespace duet::models
