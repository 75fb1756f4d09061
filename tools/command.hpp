#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

// What commands ask of CLI11, whose headers cost each source that includes them two seconds of compiling.

namespace duet::tools {

/// What the text of an option may be.
struct Check {
    /// Says what is wrong with the text, or returns nothing; may write the text anew.
    std::function<std::string(std::string&)> fault;
    /// What completion offers.
    std::vector<std::string> names = {};
};

/// An option of a command, or an argument without a name.
class Option {
 public:
    explicit Option(CLI::Option& option) : option_(&option) {}

    /// `type` is what help calls the value.
    Option& takes(const std::string& type, const Check& check = {});
    Option& required();
    /// Takes exactly so many values.
    Option& values(int count);
    /// Takes one value each time that it is given, rather than all that follow.
    Option& repeated();
    /// Given more than once, the last counts.
    Option& last_counts();
    Option& excludes(const Option& other);
    Option& group(const std::string& heading);
    /// Help shows the value that its variable has now, or a text.
    Option& with_default();
    Option& with_default(const std::string& text);

    /// For an option that takes a text: its help, and what completion offers.
    Option& describe(const std::string& help, const std::vector<std::string>& names);

    /// How often it was given.
    std::size_t count() const;

 private:
    CLI::Option* option_;
};

/// A command of `duet`. Variables of options must live as long as the program's parsing.
class Command {
 public:
    Command(CLI::App& app, const std::string& name, const std::string& help);

    Option option(const std::string& name, std::string& variable, const std::string& help);
    Option option(const std::string& name, std::size_t& variable, const std::string& help);
    Option option(const std::string& name, std::vector<std::string>& variable, const std::string& help);
    Option flag(const std::string& name, bool& variable, const std::string& help);
    Option flag(const std::string& name, std::function<void()> given, const std::string& help);

    void footer(const std::string& text);
    /// Leaves it out of help and completion.
    void hide();
    /// Is called before help is made: what was given on the command line is known then.
    void before_help(std::function<void()> prepare);
    void runs(std::function<void()> body);

    /// Whether an option was given.
    bool given(const std::string& option) const;

 private:
    CLI::App* app_;
};

/// What help, the man page and completion say of an option.
struct OptionDescription {
    std::string names;                    ///< as in "-h,--help"; of an argument without a name its type
    std::vector<std::string> long_names;  ///< as in "--help"
    std::string type;                     ///< of its value; empty for a flag
    std::string help;                     ///< with its default
    std::string group;
    std::vector<std::string> choices;  ///< what completion offers
    bool positional, required;
};

struct CommandDescription {
    std::string name, typed;  ///< "train", "duet train"
    std::string help;
    std::string footer;  ///< lines that start with two spaces are examples
    std::vector<std::string> groups;
    std::vector<OptionDescription> options;
    std::vector<CommandDescription> commands;  ///< below it, but those that hide
};

CommandDescription describe(const CLI::App& app);
/// Calls what commands said must come before help.
void prepare_help(CLI::App& app);

/// Runs the command that the arguments of `duet` name, or prints help. Throws Error of arguments that no
/// command takes, naming what was likely meant, and what the command throws.
void run_command_line(std::vector<std::string> arguments);

}  // namespace duet::tools
