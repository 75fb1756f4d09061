#pragma once

#include <duet/models/rows.hpp>

namespace duet::models {

/// The widths of a network's layers, `least` of them or more.
Parameter widths_parameter(const char* help, std::size_t least);
/// The "normalization" of a discriminator without batch normalisation.
Parameter none_or_spectral();

// Each adds the networks of its file.
void add_mlp_rows(Catalogue& catalogue);
void add_dcgan_rows(Catalogue& catalogue);
void add_resnet_rows(Catalogue& catalogue);
void add_lenet_rows(Catalogue& catalogue);

}  // namespace duet::models
