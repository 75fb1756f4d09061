#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <duet/data/onnx.hpp>
#include <duet/data/spec.hpp>
#include <duet/models/model.hpp>

namespace duet::models {

/// A network of a model for inference as an ONNX model (encode_onnx), with the variables' present values and
/// frozen running statistics.
///
/// The generator makes of "latent" (batch, latent), standard normals, and of a conditional model also
/// "labels" (batch), classes as whole float32 numbers, what Sampler draws there: "images" (batch, channels,
/// height, width) in [0, 1]. The discriminator makes of "images" of that form, and the same "labels",
/// "scores" (batch, 1), logits or a critic's.
///
/// With `batch`, that number is the outermost extent of them all; without, any number is. `layer`, the
/// model's layer of a recipe (see save_weights), goes into the metadata as "recipe". Throws Error for another
/// network, for a network whose nodes depend on the batch size where none is given, and what encode_onnx
/// throws.
Bytes encode_onnx(const Model& model, const Spec& layer, std::string_view network,
                  std::optional<std::size_t> batch = {});

}  // namespace duet::models
