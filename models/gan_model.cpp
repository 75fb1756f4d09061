#include <duet/models/gan_model.hpp>

#include <duet/models/networks/dcgan.hpp>
#include <duet/models/networks/resnet_gan.hpp>

namespace duet::models {

std::vector<Variable> GanModel::variables() const {
    std::vector<Variable> all = generator.variables();
    for (const auto& more : {discriminator.variables(), generator.statistics(), discriminator.statistics()})
        all.insert(all.end(), more.begin(), more.end());
    return all;
}

GanModel make_gan(const GanShape& shape, std::uint64_t seed, Where where) {
    switch (shape.kind) {
        case ModelKind::dcgan:
        case ModelKind::cgan:
            return {shape, dcgan_generator(shape, seed, where), dcgan_discriminator(shape, seed, where)};
        case ModelKind::resnet:
            return {shape, resnet_generator(shape, seed, where), resnet_discriminator(shape, seed, where)};
        case ModelKind::mlp:
            break;
    }
    return mlp_gan(shape, seed, where);
}

GanModel mlp_gan(const GanShape& shape, std::uint64_t seed, Where where) {
    check_shape(shape, where);
    return {shape, mlp("generator", shape.generator_widths, relu, sigmoid, seed),
            mlp("discriminator", shape.discriminator_widths, relu, linear, seed)};
}

}  // namespace duet::models
