#include <duet/models/onnx.hpp>

#include <fmt/format.h>

#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet::models {

namespace {

Bytes of_batch(const Model& model, const Network& network, std::size_t batch, const OnnxOptions& options) {
    const ImageFormat& format = model.images;
    const Shape pictures{batch, format.channels, format.height, format.width};
    const bool symmetric = format.range == ValueRange::symmetric,
               draws = network.name() != model.discriminator().name();
    Graph graph;
    std::vector<NamedTensor> inputs, outputs;
    const Tensor first =
        draws ? graph.input("latent", {batch, model.latent}) : graph.input("images", pictures);
    inputs.push_back({draws ? "latent" : "images", first});
    Tensor labels;
    if (format.classes > 0) inputs.push_back({"labels", labels = graph.input("labels", {batch})});
    if (draws) {
        Tensor images = network(first, Mode::inference, labels);
        if (symmetric) images = 0.5 * images + 0.5;
        outputs.push_back({"images", format.flat ? reshape(images, pictures) : images});
    } else {
        Tensor images = symmetric ? 2.0 * first - 1.0 : first;
        if (format.flat) images = reshape(images, format.batch_of(batch));
        outputs.push_back({"scores", network(images, Mode::inference, labels)});
    }
    return encode_onnx(inputs, outputs, options);
}

}  // namespace

Bytes encode_onnx(const Model& model, const Spec& layer, std::string_view network,
                  std::optional<std::size_t> batch) {
    const Network& chosen = model.network(network);
    if (network == "discriminator" && layer.has("packing") && layer.whole("packing") > 1)
        throw Error(
            fmt::format("the discriminator judges packs of {} images, which ONNX models of one image a "
                        "sample cannot say: export the generator",
                        layer.whole("packing")));
    OnnxOptions options;
    options.name = chosen.name();
    options.metadata = {{"recipe", format_toml(with_origin(layer, ""))}};
    if (batch) return of_batch(model, chosen, *batch, options);
    // What two sizes have in common holds for any.
    constexpr std::size_t one = 2, another = 3;
    options.batch = "batch";
    Bytes bytes = of_batch(model, chosen, one, options);
    if (bytes != of_batch(model, chosen, another, options))
        throw Error(fmt::format(
            "the nodes of the {} depend on the batch size: say which one it is exported for", network));
    return bytes;
}

}  // namespace duet::models
