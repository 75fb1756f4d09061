#include "command.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

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

void write_help(CLI::App& app, std::function<void()> prepare) {
    app.formatter(std::make_shared<Formatter>(std::move(prepare)));
}

void prepare_help(CLI::App& app) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) command->help();
}

}  // namespace duet::tools
