#include <duet/models/gan_shape.hpp>

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet::models {

namespace {

using Widths = std::vector<std::size_t>;

constexpr std::array<std::pair<std::string_view, ModelKind>, 4> kinds = {{{"mlp", ModelKind::mlp},
                                                                          {"dcgan", ModelKind::dcgan},
                                                                          {"resnet", ModelKind::resnet},
                                                                          {"cgan", ModelKind::cgan}}};

constexpr std::size_t largest_width = 1 << 24;
constexpr std::size_t largest_side = 4096;
constexpr std::size_t largest_class_count = 1 << 16;
constexpr std::size_t most_layers = 64;
constexpr std::size_t most_doublings = 10;
constexpr double dcgan_kernel = 4 * 4, resnet_kernel = 3 * 3;

void check_widths(const Widths& widths, std::size_t least, std::string_view kind, std::string_view network) {
    if (widths.size() < least || widths.size() > most_layers)
        throw Error(fmt::format("{} GAN: the {} has {} widths; it needs {} to {}", kind, network,
                                widths.size(), least, most_layers));
    for (const std::size_t width : widths)
        if (width == 0 || width > largest_width)
            throw Error(fmt::format("{} GAN: a width of the {} is {}; widths are from 1 to {}", kind, network,
                                    width, largest_width));
}

void check_mlp(const GanShape& shape) {
    const Widths &generator = shape.generator_widths, &discriminator = shape.discriminator_widths;
    check_widths(generator, 2, "mlp", "generator");
    check_widths(discriminator, 2, "mlp", "discriminator");
    if (generator.back() != shape.image())
        throw Error(
            fmt::format("mlp GAN: the generator's last width is {}, images of {}x{} with {} "
                        "channel(s) have {} values",
                        generator.back(), shape.height, shape.width, shape.channels, shape.image()));
    if (discriminator.front() != generator.back())
        throw Error(fmt::format(
            "mlp GAN: the discriminator's first width is {}, the generator's last is {}; they must "
            "be equal",
            discriminator.front(), generator.back()));
    if (discriminator.back() != 1)
        throw Error(fmt::format("mlp GAN: the discriminator's last width is {}; it must be 1, the score",
                                discriminator.back()));
}

void check_dcgan(const GanShape& shape) {
    const std::string_view kind = name_of(shape.kind);
    check_widths(shape.generator_widths, 2, kind, "generator");
    check_widths(shape.discriminator_widths, 1, kind, "discriminator");
    for (const std::size_t doublings :
         {shape.generator_widths.size() - 1, shape.discriminator_widths.size()}) {
        if (doublings > most_doublings || shape.height % (std::size_t{1} << doublings) != 0 ||
            shape.width % (std::size_t{1} << doublings) != 0)
            throw Error(fmt::format(
                "{} GAN: images of {}x{} do not fit {} layers of stride 2, each of which halves the sides",
                kind, shape.height, shape.width, doublings));
    }
}

void check_resnet(const GanShape& shape) {
    check_widths(shape.generator_widths, 3, "resnet", "generator");
    check_widths(shape.discriminator_widths, 2, "resnet", "discriminator");
    const std::size_t blocks = shape.generator_widths.size() - 2;
    const std::size_t side = blocks > most_doublings ? 0 : std::size_t{4} << blocks;
    if (shape.height != side || shape.width != side)
        throw Error(fmt::format(
            "resnet GAN: images of {}x{} do not fit a generator of {} blocks, each of which doubles the "
            "sides from 4x4 on: it draws {}x{}",
            shape.height, shape.width, blocks, side, side));
}

double sum_of_products(const Widths& widths) {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i)
        sum += static_cast<double>(widths[i]) * static_cast<double>(widths[i + 1]);
    return sum;
}

/// The widths of maps for `halvings` halvings: 64 at half the sides, twice as many with each further one.
Widths doubling_widths(std::size_t halvings) {
    constexpr std::size_t first = 64;
    Widths widths;
    for (std::size_t i = 0; i < halvings; ++i) widths.push_back(first << i);
    return widths;
}

GanShape default_dcgan(GanShape shape) {
    constexpr std::size_t largest_first_side = 7, least_first_side = 4, latent = 100;
    std::size_t halvings = 0;
    const auto side = [&](std::size_t whole) { return whole >> halvings; };
    const auto even = [&] { return side(shape.height) % 2 == 0 && side(shape.width) % 2 == 0; };
    while (std::max(side(shape.height), side(shape.width)) > largest_first_side && even()) ++halvings;
    if (halvings == 0 || std::max(side(shape.height), side(shape.width)) > largest_first_side ||
        std::min(side(shape.height), side(shape.width)) < least_first_side)
        throw Error(fmt::format(
            "{}: images of {}x{} do not fit: strides of 2 must halve both sides, without remainder, down to "
            "4 to 7, as they do 28x28, 32x32 and 64x64",
            name_of(shape.kind), shape.height, shape.width));
    shape.discriminator_widths = doubling_widths(halvings);
    shape.generator_widths = shape.discriminator_widths;
    shape.generator_widths.push_back(latent);
    std::reverse(shape.generator_widths.begin(), shape.generator_widths.end());
    return shape;
}

GanShape default_resnet(GanShape shape) {
    constexpr std::size_t latent = 128, generator_width = 256, discriminator_width = 128, blocks = 4;
    std::size_t doublings = 1;
    while (doublings < most_doublings && (std::size_t{4} << doublings) < shape.height) ++doublings;
    if (shape.width != shape.height || (std::size_t{4} << doublings) != shape.height)
        throw Error(fmt::format(
            "resnet: images of {}x{} do not fit: blocks double the sides from 4x4 on, to 32x32 or 64x64",
            shape.height, shape.width));
    shape.generator_widths = {latent};
    shape.generator_widths.resize(doublings + 2, generator_width);
    shape.discriminator_widths.assign(blocks, discriminator_width);
    return shape;
}

}  // namespace

ModelKind model_kind_by_name(std::string_view name) {
    for (const auto& [known, kind] : kinds)
        if (known == name) return kind;
    throw Error(fmt::format("model \"{}\" is unknown; known are mlp, dcgan, resnet, cgan", name));
}

std::string_view name_of(ModelKind kind) {
    for (const auto& [name, known] : kinds)
        if (known == kind) return name;
    return {};
}

Shape GanShape::images(std::size_t batch) const {
    return kind == ModelKind::mlp ? Shape{batch, image()} : Shape{batch, channels, height, width};
}

GanShape default_shape(ModelKind kind, std::size_t height, std::size_t width, std::size_t channels,
                       std::size_t classes) {
    GanShape shape;
    shape.height = height;
    shape.width = width;
    shape.channels = channels;
    shape.kind = kind;
    shape.classes = classes;
    switch (kind) {
        case ModelKind::mlp:
            shape.generator_widths.back() = shape.discriminator_widths.front() = shape.image();
            return shape;
        case ModelKind::dcgan:
        case ModelKind::cgan:
            return default_dcgan(shape);
        case ModelKind::resnet:
            return default_resnet(shape);
    }
    return shape;
}

void check_shape(const GanShape& shape) {
    const std::string_view kind = name_of(shape.kind);
    if (shape.channels != 1 && shape.channels != 3)
        throw Error(fmt::format("{} GAN: images of {} channels; they have 1, grey, or 3, red, green and blue",
                                kind, shape.channels));
    if (std::min(shape.height, shape.width) == 0 || std::max(shape.height, shape.width) > largest_side)
        throw Error(fmt::format("{} GAN: images of {}x{}; sides are from 1 to {}", kind, shape.height,
                                shape.width, largest_side));
    if (shape.classes > largest_class_count)
        throw Error(fmt::format("{} GAN: {} classes; at most {} can be told apart", kind, shape.classes,
                                largest_class_count));
    const bool conditional = shape.kind == ModelKind::cgan;
    if (conditional && shape.classes == 0)
        throw Error("cgan GAN: no classes; it needs the number of classes that the labels name");
    if (!conditional && shape.kind != ModelKind::resnet && shape.classes > 0)
        throw Error(fmt::format("{} GAN: {} classes; only cgan and resnet take labels", kind, shape.classes));
    if (shape.kind == ModelKind::mlp)
        check_mlp(shape);
    else if (shape.kind == ModelKind::resnet)
        check_resnet(shape);
    else
        check_dcgan(shape);
}

void check_shape(const GanShape& shape, Where where) {
    try {
        check_shape(shape);
    } catch (const Error& broken) {
        throw Error(fmt::format("{}: {}", to_string(where), broken.what()));
    }
}

double weight_count(const GanShape& shape) {
    const Widths &generator = shape.generator_widths, &discriminator = shape.discriminator_widths;
    if (shape.kind == ModelKind::mlp) return sum_of_products(generator) + sum_of_products(discriminator);
    const bool resnet = shape.kind == ModelKind::resnet;
    const Widths maps(generator.begin() + 1, generator.end());
    const auto number = [](std::size_t count) { return static_cast<double>(count); };
    const double kernels = sum_of_products(maps) + sum_of_products(discriminator) +
                           number(shape.channels) * (number(maps.back()) + number(discriminator.front()));
    const double tables = 2 * number(shape.classes) * number(std::accumulate(maps.begin(), maps.end(), 0UL));
    const auto area_after = [&](std::size_t halvings) {
        return number((shape.height >> halvings) * (shape.width >> halvings));
    };
    const double first = number(generator[0] * generator[1]) * (resnet ? 16 : area_after(maps.size()));
    const double features = number(discriminator.back()) * (resnet ? 1 : area_after(discriminator.size()));
    return (resnet ? resnet_kernel : dcgan_kernel) * kernels + tables + first +
           number(1 + shape.classes) * features;
}

}  // namespace duet::models
