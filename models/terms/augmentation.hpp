#pragma once

#include <cstddef>
#include <string>

#include <duet/graph/graph.hpp>

namespace duet::models {

/// Each image of (batch, channels, height, width) moved by whole pixels of its own, -most to most down and
/// across, all of them equally likely; what moves in is 0. `name` is that of the random node. Gradients lead
/// through it to any order. Throws ShapeError for another number of axes, or if the batch with `most` pixels
/// around each image has more than 2^24 values (see indexing.hpp).
Tensor random_translation(Operand images, std::string name, std::size_t most);

}  // namespace duet::models
