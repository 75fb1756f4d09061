#include "command_line.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <duet/data/spec.hpp>
#include <duet/graph/error.hpp>

#include "command.hpp"
#include "commands.hpp"
#include "flags.hpp"

namespace duet::tools {

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
        app.exit(error);
    }
}

}  // namespace duet::tools
