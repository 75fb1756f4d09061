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

std::string option_text(const OptionDescription& option) {
    const bool has_type = !option.positional && !option.type.empty();
    return fmt::format("  {}{}\n", option.names, has_type ? " " + option.type : "") +
           wrapped(option.help, indent);
}

}  // namespace

std::string help_text(const CommandDescription& command) {
    std::string usage = fmt::format("usage: {} [options]", command.typed);
    for (const OptionDescription& option : command.options)
        if (option.positional) usage += " " + (option.required ? option.type : "[" + option.type + "]");
    std::string text = wrapped(command.help, 0) + "\n" + usage + "\n";
    if (!command.commands.empty()) text += "\nCommands\n";
    for (const CommandDescription& each : command.commands)
        text += fmt::format("  {}\n", each.name) + wrapped(each.help, indent);
    for (const std::string& group : command.groups) {
        text += fmt::format("\n{}\n", group);
        for (const OptionDescription& option : command.options)
            if (option.group == group) text += option_text(option);
    }
    return command.footer.empty() ? text : text + "\n" + command.footer + "\n";
}

}  // namespace duet::tools
