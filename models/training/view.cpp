#include <duet/models/training/view.hpp>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet::models {

namespace {

template <class Declare>
Tensor once(Tensor& known, const Declare& declare) {
    if (!known.valid()) known = declare();
    return known;
}

}  // namespace

Tensor View::real() {
    return once(real_, [&] { return graph_.input("real", training_.images.batch_of(training_.batch)); });
}

Tensor View::labels() {
    return once(labels_, [&] { return graph_.input("labels", {training_.batch}); });
}

Tensor View::latent() {
    return once(latent_, [&] {
        if (training_.latent == 0)
            throw Error(
                fmt::format("the training has no latent size: \"{}\" cannot draw", training_.generator));
        return random_normal(graph_, "noise", {training_.batch, training_.latent});
    });
}

Tensor View::fake() {
    return once(fake_, [&] { return call(training_.network(training_.generator), latent()).named("fake"); });
}

Tensor View::real_score() {
    return once(real_score_, [&] { return scored(real(), "real").named("real_score"); });
}

Tensor View::fake_score() {
    return once(fake_score_, [&] { return scored(fake(), "fake").named("fake_score"); });
}

Tensor View::score(const Tensor& images) {
    const Network& discriminator = training_.network(training_.discriminator);
    if (discriminator.mixes_samples())
        throw Error(fmt::format(
            "network \"{}\": scores of further images need a discriminator without batch normalisation or "
            "other layers that make the score of an image depend on the others of its batch",
            discriminator.name()));
    ++further_scores_;
    return scored(images, further_scores_ == 1 ? "points" : fmt::format("points_{}", further_scores_));
}

Tensor View::apply(std::string_view network, const Tensor& x) {
    return call(training_.network(network), x);
}

void View::declare_as(const View& other) {
    if (other.real_.valid()) real();
    if (other.labels_.valid()) labels();
    if (other.latent_.valid()) latent();
    if (other.fake_.valid()) fake();
    if (other.real_score_.valid()) real_score();
    if (other.fake_score_.valid()) fake_score();
}

Tensor View::call(const Network& network, const Tensor& x) {
    return network(x, Mode::training, training_.images.classes > 0 ? labels() : Tensor());
}

Tensor View::scored(Tensor images, const std::string& name) {
    for (const ImageTransform& transform : training_.transforms) images = transform(images, name);
    if (training_.packing > 1) {
        const ImageFormat& format = training_.images;
        const std::size_t packs = training_.batch / training_.packing,
                          channels = format.channels * training_.packing;
        images = reshape(images, format.flat ? Shape{packs, format.values() * training_.packing}
                                             : Shape{packs, channels, format.height, format.width});
    }
    return call(training_.network(training_.discriminator), images);
}

}  // namespace duet::models
