#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <duet/data/toml.hpp>
#include <duet/models/training/recipe.hpp>

#include "../data/support.hpp"
#include "../graph/support.hpp"

namespace duet::testing {

inline const models::Catalogue& catalogue() {
    static const models::Catalogue standard = models::standard_catalogue();
    return standard;
}

inline Dataset images(std::size_t side, std::size_t classes) {
    Dataset data{8, side, side, 1, Bytes(8 * side * side, 100), {}, {}};
    for (std::size_t i = 0; i < data.count && classes > 0; ++i)
        data.labels.push_back(static_cast<std::uint8_t>(i % classes));
    return data;
}

inline Spec toml(const std::string& text) {
    return parse_toml(text, "run.toml");
}

inline Spec layers_of(const std::vector<Spec>& layers) {
    return models::layered(catalogue(), layers);
}

inline Spec fitted_of(const std::string& text, const Dataset& data) {
    return models::fitted(catalogue(), layers_of({toml(text)}), data);
}

/// The message with which a recipe is refused; empty if it is not.
inline std::string refusal(const std::string& text, const Dataset& data = images(8, 2)) {
    return message_of([&] { fitted_of(text, data); });
}

inline void check_refused(const std::string& text, const std::string& message) {
    CAPTURE(text);
    const std::string refused = refusal(text);
    CHECK_MESSAGE(contains(refused, message), refused);
}

inline std::string origin_of(const Spec& recipe, const char* path) {
    return recipe.find(path)->from;
}

}  // namespace duet::testing
