#include <duet/models/networks/dcgan.hpp>

namespace duet::models {

namespace {

constexpr std::size_t kernel = 4;
constexpr double deviation = 0.02, class_deviation = 0.5, slope = 0.2;
const Convolution2d halving{.stride = {2, 2}, .padding = {1, 1}};

Initializer weights() {
    return {Initializer::Kind::normal, deviation};
}

Tensor leaky(const Tensor& x) {
    return leaky_relu(x, slope);
}

}  // namespace

Network dcgan_generator(const GanShape& shape, std::uint64_t seed, Where where) {
    check_shape(shape, where);
    const std::vector<std::size_t> maps(shape.generator_widths.begin() + 1, shape.generator_widths.end());
    const std::size_t height = shape.height >> maps.size(), width = shape.width >> maps.size();
    Network generator("generator");
    generator.add_dense(shape.latent(), maps.front() * height * width, weights(), seed, false);
    generator.add_reshape({maps.front(), height, width});
    for (std::size_t i = 0; i < maps.size(); ++i) {
        const bool last = i + 1 == maps.size();
        generator.add_batch_norm({.channels = maps[i],
                                  .scale_deviation = shape.classes > 0 ? class_deviation : deviation,
                                  .classes = shape.classes},
                                 seed);
        generator.add(relu);
        generator.add_conv_transpose2d({.inputs = maps[i],
                                        .outputs = last ? shape.channels : maps[i + 1],
                                        .kernel = kernel,
                                        .how = halving,
                                        .bias = last},
                                       weights(), seed);
    }
    generator.add(tanh);
    return generator;
}

Network dcgan_discriminator(const GanShape& shape, std::uint64_t seed, Where where) {
    check_shape(shape, where);
    const std::vector<std::size_t>& maps = shape.discriminator_widths;
    Network discriminator("discriminator");
    for (std::size_t i = 0; i < maps.size(); ++i) {
        const bool normalized = i > 0 && shape.discriminator_batch_norm;
        discriminator.add_conv2d({.inputs = i == 0 ? shape.channels : maps[i - 1],
                                  .outputs = maps[i],
                                  .kernel = kernel,
                                  .how = halving,
                                  .bias = !normalized},
                                 weights(), seed);
        if (normalized)
            discriminator.add_batch_norm({.channels = maps[i], .scale_deviation = deviation}, seed);
        discriminator.add(leaky);
    }
    const std::size_t features = maps.back() * (shape.height >> maps.size()) * (shape.width >> maps.size());
    discriminator.add_reshape({features});
    if (shape.classes > 0)
        discriminator.add_projection(features, shape.classes, weights(), seed);
    else
        discriminator.add_dense(features, 1, weights(), seed);
    return discriminator;
}

}  // namespace duet::models
