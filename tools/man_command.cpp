#include <memory>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/models/training/recipe.hpp>

#include "command.hpp"
#include "commands.hpp"

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

std::string option_text(const OptionDescription& option) {
    std::string name = option.positional ? italic(option.names) : bold(option.names);
    if (!option.positional && !option.type.empty()) name += " " + italic(option.type);
    return fmt::format(".TP\n{}\n{}\n", name, escaped(option.help));
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

std::string command_text(const CommandDescription& command) {
    std::string usage = bold(command.typed) + " [" + italic("options") + "]";
    for (const OptionDescription& option : command.options)
        if (option.positional)
            usage += " " + (option.required ? italic(option.type) : "[" + italic(option.type) + "]");
    std::string text =
        fmt::format(".SS {}\n{}\n.PP\n{}\n", escaped(command.typed), usage, escaped(command.help));
    for (const std::string& group : command.groups) {
        std::string options;
        for (const OptionDescription& option : command.options)
            if (option.group == group) options += option_text(option);
        if (!options.empty()) text += fmt::format(".PP\n{}:\n{}", italic(group), options);
    }
    return command.footer.empty() ? text : text + ".PP\n" + footer_text(command.footer);
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
std::string man_page(const CommandDescription& program) {
    std::string commands, options;
    for (const CommandDescription& command : program.commands) commands += command_text(command);
    for (const OptionDescription& option : program.options) options += option_text(option);
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
        DUET_VERSION, bold("duet"), italic("command"), italic("options"), escaped(program.help), options,
        commands, bold("--set"), italic("PATH=VALUE"), fmt::join(presets, ", "),
        recipe_text(models::standard_catalogue()), footer_text(program.footer));
}

}  // namespace

void add_man_command(CLI::App& app) {
    Command command(app, "man", "Print the manual page of duet, for man.");
    command.hide();
    command.runs([&app] {
        prepare_help(app);
        fmt::print("{}", man_page(describe(app)));
    });
}

}  // namespace duet::tools
