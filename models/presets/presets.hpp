#pragma once

#include <span>
#include <string_view>

namespace duet::models {

/// A recipe of models/presets, compiled in.
struct Preset {
    std::string_view name;
    std::string_view text;
};

std::span<const Preset> presets();

}  // namespace duet::models
