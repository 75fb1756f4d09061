#include <duet/models/gan_model.hpp>

#include <duet/models/dcgan.hpp>
#include <duet/models/resnet_gan.hpp>

namespace duet::models {

std::vector<Variable> GanModel::variables() const {
    std::vector<Variable> all = generator.variables();
    for (const auto& more : {discriminator.variables(), generator.statistics(), discriminator.statistics()})
        all.insert(all.end(), more.begin(), more.end());
    return all;
}

GanModel make_gan(const GanShape& shape, std::uint64_t seed) {
    switch (shape.kind) {
        case ModelKind::dcgan:
        case ModelKind::cgan:
            return {shape, dcgan_generator(shape, seed), dcgan_discriminator(shape, seed)};
        case ModelKind::resnet:
            return {shape, resnet_generator(shape, seed), resnet_discriminator(shape, seed)};
        case ModelKind::mlp:
            break;
    }
    return mlp_gan(shape, seed);
}

GanModel mlp_gan(const GanShape& shape, std::uint64_t seed) {
    check_shape(shape);
    return {shape, mlp("generator", shape.generator_widths, relu, sigmoid, seed),
            mlp("discriminator", shape.discriminator_widths, relu, linear, seed)};
}

}  // namespace duet::models
