#include "command.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <duet/data/spec.hpp>
#include <duet/graph/error.hpp>

#include "commands.hpp"
#include "flags.hpp"
#include "help.hpp"

namespace duet::tools {

namespace {

// CLI11 keeps what an option accepts as functions: names are kept as the validator's own, each with an end.
constexpr char choice_end = '|';

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += name + choice_end;
    return text;
}

std::vector<std::string> choices_of(const CLI::Option& option) {
    std::vector<std::string> choices;
    try {
        for (int i = 0;; ++i) {
            // What it returns is constant, and it is not.
            const std::string& names = const_cast<CLI::Option&>(option).get_validator(i)->get_name();
            for (std::size_t at = 0, end = 0; (end = names.find(choice_end, at)) != std::string::npos;
                 at = end + 1)
                choices.push_back(names.substr(at, end - at));
        }
    } catch (const CLI::OptionNotFound&) {  // there are no more
    }
    return choices;
}

OptionDescription description_of(const CLI::Option& option) {
    OptionDescription described{option.get_name(false, true),
                                {},
                                "",
                                option.get_description(),
                                option.get_group(),
                                choices_of(option),
                                option.get_positional(),
                                option.get_required()};
    if (option.get_expected_max() > 0) described.type = option.get_type_name();
    if (described.positional) described.names = described.type;
    for (const std::string& name : option.get_lnames()) described.long_names.push_back("--" + name);
    if (!option.get_default_str().empty())
        described.help += fmt::format(" (default: {})", option.get_default_str());
    return described;
}

class Formatter : public CLI::FormatterBase {
 public:
    explicit Formatter(std::function<void()> prepare) : prepare_(std::move(prepare)) {}

    std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
        if (prepare_) prepare_();
        return help_text(describe(*app));
    }

 private:
    std::function<void()> prepare_;
};

/// Lets a command, and those added to it afterwards, write help_text of its description.
void write_help(CLI::App& app, std::function<void()> prepare = {}) {
    app.formatter(std::make_shared<Formatter>(std::move(prepare)));
}

}  // namespace

Option& Option::takes(const std::string& type, const Check& check) {
    option_->type_name(type);
    if (check.fault) option_->transform(CLI::Validator(check.fault, "", joined(check.names)));
    return *this;
}

Option& Option::required() {
    option_->required();
    return *this;
}

Option& Option::values(int count) {
    option_->expected(count);
    return *this;
}

Option& Option::repeated() {
    option_->allow_extra_args(false);
    return *this;
}

Option& Option::last_counts() {
    option_->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    return *this;
}

Option& Option::excludes(const Option& other) {
    option_->excludes(other.option_);
    return *this;
}

Option& Option::group(const std::string& heading) {
    option_->group(heading);
    return *this;
}

Option& Option::with_default() {
    option_->capture_default_str();
    return *this;
}

Option& Option::with_default(const std::string& text) {
    option_->default_str(text);
    return *this;
}

Option& Option::describe(const std::string& help, const std::vector<std::string>& names) {
    option_->description(help);
    option_->get_validator(0)->name(joined(names));
    return *this;
}

std::size_t Option::count() const {
    return option_->count();
}

Command::Command(CLI::App& app, const std::string& name, const std::string& help)
    : app_(app.add_subcommand(name, help)) {}

Option Command::option(const std::string& name, std::string& variable, const std::string& help) {
    return Option(*app_->add_option(name, variable, help));
}

Option Command::option(const std::string& name, std::size_t& variable, const std::string& help) {
    return Option(*app_->add_option(name, variable, help));
}

Option Command::option(const std::string& name, std::vector<std::string>& variable, const std::string& help) {
    return Option(*app_->add_option(name, variable, help));
}

Option Command::flag(const std::string& name, bool& variable, const std::string& help) {
    return Option(*app_->add_flag(name, variable, help));
}

Option Command::flag(const std::string& name, std::function<void()> given, const std::string& help) {
    return Option(*app_->add_flag_callback(name, std::move(given), help));
}

void Command::footer(const std::string& text) {
    app_->footer(text);
}

void Command::hide() {
    app_->group("");
}

void Command::before_help(std::function<void()> prepare) {
    write_help(*app_, std::move(prepare));
}

void Command::runs(std::function<void()> body) {
    app_->callback(std::move(body));
}

bool Command::given(const std::string& option) const {
    return app_->count(option) > 0;
}

CommandDescription describe(const CLI::App& app) {
    const std::string above = app.get_parent() == nullptr ? "" : app.get_parent()->get_name() + " ";
    CommandDescription command{
        app.get_name(), above + app.get_name(), app.get_description(), app.get_footer(), {}, {}, {}};
    for (const std::string& group : app.get_groups())
        if (!group.empty()) command.groups.push_back(group);
    for (const CLI::Option* option : app.get_options()) command.options.push_back(description_of(*option));
    for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
        if (!each->get_group().empty()) command.commands.push_back(describe(*each));
    return command;
}

void prepare_help(CLI::App& app) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) command->help();
}

namespace {

/// What is wrong with arguments that no option takes, and what was likely meant by the first of them.
std::string unknown_argument(CLI::App& app) {
    const bool named = !app.get_subcommands().empty();
    const CommandDescription command = describe(named ? *app.get_subcommands().front() : app);
    std::vector<std::string> names;
    for (const CommandDescription& each : command.commands) names.push_back(each.name);
    if (named)
        for (const OptionDescription& option : command.options)
            names.insert(names.end(), option.long_names.begin(), option.long_names.end());
    const std::string see = !named ? fmt::format("commands are {}; see `duet help`", fmt::join(names, ", "))
                                   : fmt::format("see `duet help {}`", command.name);
    const std::vector<std::string> left = app.remaining(true);
    if (left.empty()) return "no command given; " + see;
    // An option's value is left over with it.
    const auto option = std::find_if(left.begin(), left.end(),
                                     [](const std::string& argument) { return argument.starts_with('-'); });
    const std::string argument = option == left.end() ? left.front() : option->substr(0, option->find('='));
    std::string meant;
    if (!named)
        meant = nearest(argument, names);
    else if (argument.starts_with("--"))
        meant = flag_meant(argument, names);
    return fmt::format("{} is unknown; {}", quoted_for_message(argument),
                       meant.empty() ? see : fmt::format("did you mean {}?", meant));
}

}  // namespace

void run_command_line(std::vector<std::string> arguments) {
    CLI::App app("Declares, trains and draws from generative adversarial networks.", "duet");
    app.set_version_flag("--version", "duet " DUET_VERSION);
    app.set_help_flag("-h,--help", "Print this help and end");
    write_help(app);
    app.require_subcommand(0, 1);
    app.footer(
        "Exit codes: 0 success, 2 bad usage or bad input, 1 any other failure.\n"
        "`duet help COMMAND` explains a command's options.");
    add_train_command(app);
    add_sample_command(app);
    add_inspect_command(app);
    add_compare_command(app);
    add_plot_command(app);
    add_evaluate_command(app);
    add_features_command(app);
    add_study_command(app);
    add_bench_command(app);
    add_list_command(app);
    add_completion_command(app);
    add_man_command(app);
    add_export_command(app);
    add_runs_command(app);
    add_info_command(app);
    add_verify_command(app);
    if (!arguments.empty() && arguments.front() == "help") {
        arguments.erase(arguments.begin());
        arguments.emplace_back("--help");
    }
    std::reverse(arguments.begin(), arguments.end());
    try {
        app.parse(arguments);
        if (app.get_subcommands().empty()) throw Error(unknown_argument(app));
    } catch (const CLI::ExtrasError&) {
        throw Error(unknown_argument(app));
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0) throw Error(error.what());
        std::ostringstream text;
        app.exit(error, text);
        fmt::print("{}", text.str());
    }
}

}  // namespace duet::tools
