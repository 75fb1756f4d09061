#include <memory>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "command.hpp"
#include "commands.hpp"
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
std::string source_of(const OptionDescription& option) {
    if (!option.choices.empty()) return fmt::format("words='{}'", fmt::join(option.choices, " "));
    if (option.type.starts_with("DIR")) return "from=-d";
    const bool file = option.type.starts_with("FILE") || option.type.ends_with(".toml");
    return file ? "from=-f" : "";
}

/// The branches of a command in the shell's `case "$command $option"`: the values of each option, then what
/// else may stand there.
std::string branches(const CommandDescription& command) {
    std::string text, otherwise = "words=''";
    std::vector<std::string> all;
    for (const OptionDescription& option : command.options) {
        all.insert(all.end(), option.long_names.begin(), option.long_names.end());
        const std::string source = source_of(option);
        if (option.positional) otherwise = source;
        if (option.long_names.empty() || option.type.empty()) continue;
        std::vector<std::string> patterns;
        for (const std::string& each : option.long_names)
            patterns.push_back(fmt::format("'{} {}'", command.name, each));
        text += fmt::format("        {}) {} ;;\n", fmt::join(patterns, " | "),
                            source.empty() ? "return" : source);
    }
    text += fmt::format(
        "        '{} '*)\n            case $word in\n                -*) words='{}' ;;\n"
        "                *) {} ;;\n            esac\n            ;;\n",
        command.name, fmt::join(all, " "), otherwise);
    return text;
}

/// The completion is made of the commands and options that there are.
std::string bash_completion(const CommandDescription& program) {
    std::vector<std::string> names, options;
    std::string cases;
    for (const CommandDescription& command : program.commands) {
        names.push_back(command.name);
        cases += branches(command);
    }
    for (const OptionDescription& option : program.options)
        options.insert(options.end(), option.long_names.begin(), option.long_names.end());
    return fmt::format(
        "{}    case \"$command $option\" in\n{}        ' '*) words='{} help {}' ;;\n    esac\n{}", head,
        cases, fmt::join(names, " "), fmt::join(options, " "), tail);
}

}  // namespace

void add_completion_command(CLI::App& app) {
    Command command(app, "completion", "Print what a shell needs to complete the arguments of duet.");
    command.hide();
    auto shell = std::make_shared<std::string>();
    command.option("shell", *shell, "Which one").required().takes("bash", one_of({"bash"}));
    command.runs([shell, &app] {
        prepare_help(app);
        fmt::print("{}", bash_completion(describe(app)));
    });
}

}  // namespace duet::tools
