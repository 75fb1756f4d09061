#pragma once

#include <cstddef>
#include <string>

#include <duet/graph/graph.hpp>

namespace duet::models {

// Random changes of images (batch, channels, height, width), drawn for each image by random nodes called
// after `name`. Gradients lead through them to any order. Each changes an image with `probability`, a scalar
// from 0 to 1, or every one if that is empty. All throw ShapeError for images of another number
// of axes, and for a probability or deviation that is no scalar.

/// Each image moved by whole pixels of its own, -most to most down and across, all of them equally likely;
/// what moves in is 0 (shifting.hpp).
Tensor random_translation(Operand images, const std::string& name, std::size_t most,
                          const Tensor& probability = {});

/// A rectangle of each image made 0, its sides round(share height) and round(share width), its place such
/// that its middle is equally likely at every pixel; what is outside the image is cut off (DeVries and Taylor
/// 2017; Zhao et al. 2020, section 3). Throws Error for a share outside [0, 1].
Tensor random_cutout(Operand images, const std::string& name, double share, const Tensor& probability = {});

/// A number added to all values of each image, uniform in [-most, most) (Zhao et al. 2020, section 3: 0.5 for
/// values from -1 to 1). Throws Error for a negative `most`.
Tensor random_brightness(Operand images, const std::string& name, double most,
                         const Tensor& probability = {});

/// Independent normals of this standard deviation, a scalar, added to every value of images of any shape
/// (Sonderby et al. 2017, section 3.1; Arjovsky and Bottou 2017, section 3).
Tensor instance_noise(Operand images, std::string name, Operand deviation);

}  // namespace duet::models
