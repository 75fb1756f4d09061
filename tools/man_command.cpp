#include <memory>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/models/training/recipe.hpp>

#include "commands.hpp"
#include "help.hpp"

namespace duet::tools {

namespace {

/// Text that roff takes as it stands.
std::string escaped(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool starts_line = i == 0 || text[i - 1] == '\n';
        if (starts_line && (text[i] == '.' || text[i] == '\'')) result += "\\&";
        if (text[i] == '\\')
            result += "\\e";
        else if (text[i] == '-')
            result += "\\-";
        else if (text[i] == '\'')
            result += "\\(aq";
        else if (text[i] == '`')
            result += "\\(ga";
        else
            result += text[i];
    }
    return result;
}

std::string bold(const std::string& text) {
    return fmt::format("\\fB{}\\fR", escaped(text));
}

std::string italic(const std::string& text) {
    return fmt::format("\\fI{}\\fR", escaped(text));
}

std::string option_text(const CLI::Option& option) {
    const bool positional = option.get_positional();
    const std::string type = option.get_type_name();
    std::string name = positional ? italic(type) : bold(option.get_name(false, true));
    if (!positional && option.get_expected_max() > 0 && !type.empty()) name += " " + italic(type);
    std::string description = option.get_description();
    if (!option.get_default_str().empty())
        description += fmt::format(" (default: {})", option.get_default_str());
    return fmt::format(".TP\n{}\n{}\n", name, escaped(description));
}

/// Lines that start with two spaces are examples.
std::string footer_text(const std::string& footer) {
    std::string text;
    bool example = false;
    for (std::size_t at = 0; at < footer.size();) {
        const std::size_t end = std::min(footer.find('\n', at), footer.size());
        const std::string line = footer.substr(at, end - at);
        const bool is_example = line.starts_with("  ");
        if (is_example != example) text += is_example ? ".PP\n.nf\n" : ".fi\n.PP\n";
        example = is_example;
        text += is_example ? "  " + escaped(line.substr(2)) + "\n" : escaped(line) + "\n";
        at = end + 1;
    }
    return text + (example ? ".fi\n" : "");
}

std::string command_text(CLI::App& command) {
    command.help();  // which writes the defaults into what options say
    std::string usage = bold("duet " + command.get_name()) + " [" + italic("options") + "]";
    for (const CLI::Option* option : command.get_options())
        if (option->get_positional())
            usage += option->get_required() ? " " + italic(option->get_type_name())
                                            : " [" + italic(option->get_type_name()) + "]";
    std::string text = fmt::format(".SS duet {}\n{}\n.PP\n{}\n", escaped(command.get_name()), usage,
                                   escaped(command.get_description()));
    for (const std::string& group : command.get_groups()) {
        std::string options;
        for (const CLI::Option* option : command.get_options())
            if (option->get_group() == group && !group.empty()) options += option_text(*option);
        if (!options.empty()) text += fmt::format(".PP\n{}:\n{}", italic(group), options);
    }
    return command.get_footer().empty() ? text : text + ".PP\n" + footer_text(command.get_footer());
}

/// A category's kinds, each with what it is; of a group its keys.
std::string recipe_text(const models::Catalogue& catalogue) {
    std::string text, category;
    for (const models::Row& row : catalogue.rows()) {
        if (row.category != category) text += fmt::format(".SS {}\n", escaped(row.category));
        category = row.category;
        if (!row.kind.empty()) text += fmt::format(".TP\n{}\n{}\n", bold(row.kind), escaped(row.help));
        for (const models::Parameter& parameter : row.parameters)
            text += row.kind.empty()
                        ? fmt::format(".TP\n{}\n{}; {}\n", bold(parameter.key), escaped(parameter.help),
                                      escaped(parameter.rule.expected))
                        : fmt::format(".br\n{}: {}\n", italic(parameter.key),
                                      escaped(parameter.help.empty()
                                                  ? parameter.rule.expected
                                                  : parameter.help + "; " + parameter.rule.expected));
    }
    return text;
}

/// The page is made of the commands, options and rows that there are.
std::string man_page(CLI::App& app) {
    std::string commands;
    for (CLI::App* command : shown_commands(app)) commands += command_text(*command);
    std::string options;
    for (const CLI::Option* option : app.get_options()) options += option_text(*option);
    std::vector<std::string> presets;
    for (const std::string& name : models::preset_names()) presets.push_back(bold(name));
    return fmt::format(
        ".TH DUET 1 \"\" \"duet {}\" \"User Commands\"\n"
        ".SH NAME\nduet \\- train and draw from generative adversarial networks\n"
        ".SH SYNOPSIS\n{} {} [{}]\n"
        ".SH DESCRIPTION\n{}\n{}"
        ".SH COMMANDS\n{}"
        ".SH RECIPES\n"
        "What a training is made of, in a TOML file or by {} {}. The presets are {}.\n{}"
        ".SH NOTES\n{}",
        DUET_VERSION, bold("duet"), italic("command"), italic("options"), escaped(app.get_description()),
        options, commands, bold("--set"), italic("PATH=VALUE"), fmt::join(presets, ", "),
        recipe_text(models::standard_catalogue()), footer_text(app.get_footer()));
}

}  // namespace

void add_man_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("man", "Print the manual page of duet, for man.");
    command->group("");
    command->callback([&app] { fmt::print("{}", man_page(app)); });
}

}  // namespace duet::tools
