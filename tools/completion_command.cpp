#include <memory>
#include <set>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "commands.hpp"
#include "help.hpp"
#include "numbers.hpp"

namespace duet::tools {

namespace {

constexpr const char* head = R"(# Completion of the command duet for bash, made by `duet completion bash`.

_duet() {
    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]} command='' words='' from='' i
    COMPREPLY=()
    # "--loss=minimax" is three words.
    if [ "$word" = = ]; then
        word=''
    elif [ "$option" = = ]; then
        option=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; ++i)); do
        case ${COMP_WORDS[i]} in
            help | -*) ;;
            *) command=${COMP_WORDS[i]}; break ;;
        esac
    done
)";

constexpr const char* tail = R"(    if [ -n "$from" ]; then
        mapfile -t COMPREPLY < <(compgen "$from" -- "$word")
        compopt -o filenames 2>/dev/null
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    fi
}

complete -F _duet duet
)";

/// What completes an option's value: "words='...'", "from=-d" or "from=-f"; empty where nothing is known.
std::string source_of(CLI::Option& option) {
    const std::vector<std::string> choices = choices_of(option);
    if (!choices.empty()) return fmt::format("words='{}'", fmt::join(choices, " "));
    const std::string type = option.get_type_name();
    if (type.starts_with("DIR")) return "from=-d";
    const bool file = type.starts_with("FILE") || type.ends_with(".toml");
    return file ? "from=-f" : "";
}

/// The names of an option, as in "-h --help".
std::vector<std::string> names_of(const CLI::Option& option) {
    std::vector<std::string> names;
    for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
    return names;
}

/// The branches of a command in the shell's `case "$command $option"`: the values of each option, then what
/// else may stand there.
std::string branches(CLI::App& command) {
    std::string text, otherwise = "words=''";
    std::vector<std::string> all;
    for (CLI::Option* option : command.get_options()) {
        const std::vector<std::string> names = names_of(*option);
        all.insert(all.end(), names.begin(), names.end());
        if (option->get_positional()) otherwise = source_of(*option);
        if (names.empty() || option->get_expected_max() == 0) continue;
        std::vector<std::string> patterns;
        for (const std::string& name : names)
            patterns.push_back(fmt::format("'{} {}'", command.get_name(), name));
        const std::string source = source_of(*option);
        text += fmt::format("        {}) {} ;;\n", fmt::join(patterns, " | "),
                            source.empty() ? "return" : source);
    }
    text += fmt::format(
        "        '{} '*)\n            case $word in\n                -*) words='{}' ;;\n"
        "                *) {} ;;\n            esac\n            ;;\n",
        command.get_name(), fmt::join(all, " "), otherwise);
    return text;
}

/// The completion is made of the commands and options that `app` has.
std::string bash_completion(CLI::App& app) {
    std::vector<std::string> names, options;
    std::string cases;
    for (CLI::App* command : shown_commands(app)) {
        names.push_back(command->get_name());
        cases += branches(*command);
    }
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : names_of(*option)) options.push_back(name);
    return fmt::format(
        "{}    case \"$command $option\" in\n{}        ' '*) words='{} help {}' ;;\n    esac\n{}", head,
        cases, fmt::join(names, " "), fmt::join(options, " "), tail);
}

}  // namespace

void add_completion_command(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("completion", "Print what a shell needs to complete the arguments of duet.");
    command->group("");
    auto shell = std::make_shared<std::string>();
    command->add_option("shell", *shell, "Which one")->required()->check(one_of({"bash"}))->type_name("bash");
    command->callback([shell, &app] { fmt::print("{}", bash_completion(app)); });
}

}  // namespace duet::tools
