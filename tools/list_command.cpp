#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/training/recipe.hpp>

#include "command.hpp"
#include "commands.hpp"
#include "numbers.hpp"

namespace duet::tools {

namespace {

struct ListArguments {
    std::string name;
};

std::vector<std::string> keys_of(const models::Row& row) {
    std::vector<std::string> keys;
    for (const models::Parameter& parameter : row.parameters) keys.push_back(parameter.key);
    return keys;
}

std::string parameters_of(const models::Row& row) {
    std::string text;
    for (const models::Parameter& parameter : row.parameters) {
        std::string what = parameter.rule.expected;
        if (parameter.otherwise)
            what += fmt::format(" (default: {})", format_toml_value(*parameter.otherwise));
        if (parameter.optional) what += " (may be left out)";
        text += fmt::format("    {}: {}{}{}\n", parameter.key, parameter.help,
                            parameter.help.empty() ? "" : "; ", what);
    }
    return text;
}

std::string text_of(const models::Row& row) {
    return fmt::format(
               "{}{}{}\n{}{}{}", row.category, row.kind.empty() ? "" : " ", row.kind, "  " + row.help + "\n",
               row.source.empty() ? "" : fmt::format("  source: {}\n", row.source), parameters_of(row)) +
           (row.brings.empty() ? "" : fmt::format("  brings the settings of the preset {}\n", row.brings));
}

/// Everything that can be listed by its name.
std::vector<std::string> all_names(const models::Catalogue& catalogue) {
    std::vector<std::string> names{"preset"};
    const auto add = [&](const std::string& name) {
        if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
            names.push_back(name);
    };
    for (const models::Row& row : catalogue.rows()) {
        add(row.category);
        add(row.kind);
    }
    for (const std::string& preset : models::preset_names()) add(preset);
    return names;
}

void list(const ListArguments& arguments) {
    const models::Catalogue catalogue = models::standard_catalogue();
    std::string text;
    std::vector<std::string> listed;
    if (arguments.name.empty() || arguments.name == "preset")
        text += fmt::format("preset: {}\n", fmt::join(models::preset_names(), ", "));
    for (const models::Row& row : catalogue.rows()) {
        const bool first = std::find(listed.begin(), listed.end(), row.category) == listed.end();
        listed.push_back(row.category);
        if (arguments.name.empty() && first)
            text +=
                fmt::format("{}: {}\n", row.category,
                            fmt::join(row.kind.empty() ? keys_of(row) : catalogue.kinds(row.category), ", "));
        else if (arguments.name == row.category || (!row.kind.empty() && arguments.name == row.kind))
            text += text_of(row);
    }
    for (const std::string& preset : models::preset_names())
        if (arguments.name == preset)
            text += fmt::format("preset {}\n{}", preset, models::preset_text(preset));
    if (text.empty()) {
        const std::string meant = nearest(arguments.name, all_names(catalogue));
        throw Error(fmt::format(
            "nothing is called {}; {}", quoted_for_message(arguments.name),
            meant.empty() ? "`duet list` names everything" : fmt::format("did you mean \"{}\"?", meant)));
    }
    fmt::print("{}", text);
}

}  // namespace

void add_list_command(CLI::App& app) {
    Command command(app, "list",
                    "List what recipes can be made of: everything, a category such as loss, or one name.");
    auto arguments = std::make_shared<ListArguments>();
    command.option("name", arguments->name, "A category, or something in one")
        .takes("NAME", any_text(all_names(models::standard_catalogue())));
    command.runs([arguments] { list(*arguments); });
}

}  // namespace duet::tools
