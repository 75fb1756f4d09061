#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <duet/graph/runtime/program.hpp>
#include <duet/models/model.hpp>

namespace duet::models {

/// Draws images from Model::drawing, with its running statistics as they are. Image i depends on the weights,
/// the seed, i and its label alone: the first ten of a thousand are the ten drawn alone, for any number of
/// threads.
class Sampler {
 public:
    /// Throws what the generator's call throws, and ShapeError if it draws images of another size than the
    /// model's.
    Sampler(const Model& model, std::uint64_t seed, const Arena& arena = Arena(), Where where = {});

    /// Images 0 .. count-1 with the variables' present values: (count, channels, height, width), each in
    /// [0, 1]. A conditional model's image i is of class labels[i]; without labels, of class i modulo the
    /// number of classes. Throws Error for no images, and for labels of another number or outside the
    /// classes, or given to a model without classes.
    Array draw(std::size_t count, std::span<const std::size_t> labels = {}, Where where = {});
    /// The latents (count, latent) of the images first .. first+count-1: independent standard normals.
    Array latents(std::size_t first, std::size_t count, Where where = {});
    /// The images at these latents (count, latent).
    Array draw_at(const Array& latents, std::span<const std::size_t> labels = {}, Where where = {});

 private:
    ImageFormat format_;
    std::size_t latent_;
    std::unique_ptr<Graph> graph_;
    Tensor latent_input_, label_input_;
    Program<float> latents_, images_;
};

/// `count` points from one latent to another of as many numbers, both ends among them, on the arc between
/// them (White 2016): sin((1-t) a)/sin(a) from + sin(t a)/sin(a) to, a the angle between them; on the line
/// where they are parallel. Shape (count, latent). Throws Error for a count below two, and ShapeError for
/// latents of different or no size.
Array spherical_interpolation(std::span<const float> from, std::span<const float> to, std::size_t count,
                              Where where = {});

}  // namespace duet::models
