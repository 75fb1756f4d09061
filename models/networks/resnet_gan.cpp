#include <duet/models/networks/resnet_gan.hpp>

#include <cmath>

#include <duet/ops/pooling.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/resampling.hpp>

namespace duet::models {

namespace {

constexpr std::size_t first_side = 4;

void add_conv3x3(Network& network, std::size_t inputs, std::size_t outputs, double gain, std::uint64_t seed) {
    network.add_conv2d({.inputs = inputs, .outputs = outputs, .kernel = 3, .how = {.padding = {1, 1}}},
                       {.kind = Initializer::Kind::glorot_uniform, .gain = gain}, seed);
}

void add_conv1x1(Network& network, std::size_t inputs, std::size_t outputs, std::uint64_t seed) {
    network.add_conv2d({.inputs = inputs, .outputs = outputs, .kernel = 1}, {}, seed);
}

Tensor upsampled(const Tensor& x) {
    return upsample_nearest2d(x, 2);
}

Tensor pooled(const Tensor& x) {
    return avg_pool2d(x);
}

Network part_of_next(const Network& network, const char* part) {
    return Network(network.next_name() + "." + part);
}

void add_upsampling_block(Network& generator, std::size_t inputs, std::size_t outputs, std::size_t classes,
                          std::uint64_t seed) {
    Network main = part_of_next(generator, "main"), shortcut = part_of_next(generator, "shortcut");
    main.add_batch_norm({.channels = inputs, .classes = classes}, seed);
    main.add(relu);
    main.add(upsampled);
    add_conv3x3(main, inputs, outputs, std::sqrt(2.0), seed);
    main.add_batch_norm({.channels = outputs, .classes = classes}, seed);
    main.add(relu);
    add_conv3x3(main, outputs, outputs, std::sqrt(2.0), seed);
    shortcut.add(upsampled);
    add_conv1x1(shortcut, inputs, outputs, seed);
    generator.add_residual(main, shortcut);
}

/// The first block begins without ReLU, and pools before its shortcut's convolution.
void add_first_block(Network& discriminator, std::size_t inputs, std::size_t outputs, std::uint64_t seed) {
    Network main = part_of_next(discriminator, "main"), shortcut = part_of_next(discriminator, "shortcut");
    add_conv3x3(main, inputs, outputs, std::sqrt(2.0), seed);
    main.add(relu);
    add_conv3x3(main, outputs, outputs, std::sqrt(2.0), seed);
    main.add(pooled);
    shortcut.add(pooled);
    add_conv1x1(shortcut, inputs, outputs, seed);
    discriminator.add_residual(main, shortcut);
}

void add_block(Network& discriminator, std::size_t inputs, std::size_t outputs, bool halving,
               std::uint64_t seed) {
    Network main = part_of_next(discriminator, "main"), shortcut = part_of_next(discriminator, "shortcut");
    main.add(relu);
    add_conv3x3(main, inputs, outputs, std::sqrt(2.0), seed);
    main.add(relu);
    add_conv3x3(main, outputs, outputs, std::sqrt(2.0), seed);
    if (halving || inputs != outputs) add_conv1x1(shortcut, inputs, outputs, seed);
    if (halving) {
        main.add(pooled);
        shortcut.add(pooled);
    }
    discriminator.add_residual(main, shortcut);
}

}  // namespace

Network resnet_generator(const GanShape& shape, std::uint64_t seed, Where where) {
    check_shape(shape, where);
    const std::vector<std::size_t>& widths = shape.generator_widths;
    Network generator("generator");
    generator.add_dense(shape.latent(), widths[1] * first_side * first_side, {}, seed);
    generator.add_reshape({widths[1], first_side, first_side});
    for (std::size_t i = 1; i + 1 < widths.size(); ++i)
        add_upsampling_block(generator, widths[i], widths[i + 1], shape.classes, seed);
    generator.add_batch_norm({.channels = widths.back()}, seed);
    generator.add(relu);
    add_conv3x3(generator, widths.back(), shape.channels, 1.0, seed);
    generator.add(tanh);
    return generator;
}

Network resnet_discriminator(const GanShape& shape, std::uint64_t seed, Where where) {
    check_shape(shape, where);
    const std::vector<std::size_t>& widths = shape.discriminator_widths;
    Network discriminator("discriminator");
    add_first_block(discriminator, shape.channels, widths[0], seed);
    for (std::size_t i = 1; i < widths.size(); ++i)
        add_block(discriminator, widths[i - 1], widths[i], i == 1, seed);
    discriminator.add(relu);
    discriminator.add([](const Tensor& x) { return sum(x, {2, 3}); });
    if (shape.classes > 0)
        discriminator.add_projection(widths.back(), shape.classes, {}, seed);
    else
        discriminator.add_dense(widths.back(), 1, {}, seed);
    return discriminator;
}

}  // namespace duet::models
