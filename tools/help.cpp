#include "help.hpp"

#include <fmt/format.h>

namespace duet::tools {

namespace {

constexpr std::size_t columns = 80, indent = 6;

/// The text in lines of at most 80 columns, each after so many spaces.
std::string wrapped(const std::string& text, std::size_t spaces) {
    std::string result, line(spaces, ' ');
    std::size_t words = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        if (words > 0 && line.size() + 1 + end - at > columns) {
            result += line + "\n";
            line.assign(spaces, ' ');
            words = 0;
        }
        line += (words++ == 0 ? "" : " ") + text.substr(at, end - at);
        at = end + 1;
    }
    return words == 0 ? result : result + line + "\n";
}

std::string option_text(const CLI::Option& option) {
    const bool positional = option.get_positional();
    const bool has_type = !positional && option.get_expected_max() > 0 && !option.get_type_name().empty();
    std::string description = option.get_description();
    if (!option.get_default_str().empty())
        description += fmt::format(" (default: {})", option.get_default_str());
    return fmt::format("  {}{}\n", positional ? option.get_type_name() : option.get_name(false, true),
                       has_type ? " " + option.get_type_name() : "") +
           wrapped(description, indent);
}

}  // namespace

std::string Help::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
    if (prepare_) prepare_();
    const std::string name = app->get_parent() == nullptr ? "duet" : "duet " + app->get_name();
    std::string usage = fmt::format("usage: {} [options]", name);
    for (const CLI::Option* option : app->get_options())
        if (option->get_positional())
            usage +=
                option->get_required() ? " " + option->get_type_name() : " [" + option->get_type_name() + "]";
    std::string text = wrapped(app->get_description(), 0) + "\n" + usage + "\n";
    const auto commands =
        app->get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); });
    if (!commands.empty()) text += "\nCommands\n";
    for (const CLI::App* command : commands)
        text += fmt::format("  {}\n", command->get_name()) + wrapped(command->get_description(), indent);
    for (const std::string& group : app->get_groups()) {
        text += fmt::format("\n{}\n", group);
        for (const CLI::Option* option : app->get_options())
            if (option->get_group() == group) text += option_text(*option);
    }
    return app->get_footer().empty() ? text : text + "\n" + app->get_footer() + "\n";
}

std::vector<CLI::App*> shown_commands(CLI::App& app) {
    return app.get_subcommands([](CLI::App* each) { return !each->get_group().empty(); });
}

}  // namespace duet::tools
