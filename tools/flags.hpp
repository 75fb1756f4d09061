#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <duet/models/training/recipe.hpp>

#include "command.hpp"

namespace duet::tools {

/// A short way to set something in a recipe.
struct Flag {
    std::string name;
    /// What it sets; "*" stands for both networks.
    std::string path;
    std::string type;
    /// What other programs call it, for who types that.
    std::vector<std::string> elsewhere;
};

/// The options that make a recipe: a file, --preset, --set, and the flags.
class RecipeOptions {
 public:
    void add_to(Command& command);

    /// The layers that were given, lowest first, with `file` in its place between preset and recipe file.
    Spec layered(const models::Catalogue& catalogue, const std::optional<Spec>& file = {}) const;
    /// The name given with --preset, or empty.
    const std::string& preset() const { return preset_; }
    /// The model that flags name, if they do.
    std::optional<std::string> model() const;
    /// Says on the standard error which flags were given more than once, and what was given that another
    /// option replaced in the recipe of `layered`.
    void note_repeats(const Spec& recipe) const;
    /// Says in help what each flag sets, and its value in the recipe that is given: before help alone, for it
    /// takes a millisecond.
    void describe(const models::Catalogue& catalogue);

 private:
    struct Given {
        const Flag* flag;
        std::optional<Option> option = {};
        std::string text = {};
    };
    std::vector<std::pair<std::string, Value>> assignments() const;

    std::string recipe_, preset_;
    std::vector<std::string> sets_;
    std::deque<Given> flags_;
};

/// Of the flags in `known`, what was likely meant by one that is not: what other programs call it, or a slip;
/// empty if nothing is near.
std::string flag_meant(const std::string& name, const std::vector<std::string>& known);

}  // namespace duet::tools
