#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/spec.hpp>
#include <duet/graph/error.hpp>

#include "commands.hpp"
#include "flags.hpp"
#include "help.hpp"

namespace {

constexpr int other_failure = 1;
constexpr int bad_usage_or_input = 2;

/// One line that a terminal can show, whatever the message holds.
std::string on_one_line(std::string_view message) {
    while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.remove_suffix(1);
    std::string line;
    for (std::size_t i = 0; i < message.size(); ++i) {
        if (message[i] != '\n') {
            const auto letter = static_cast<unsigned char>(message[i]);
            line += letter < ' ' || letter == '\x7f' ? '?' : message[i];
            continue;
        }
        while (i + 1 < message.size() && (message[i + 1] == '\n' || message[i + 1] == ' ')) ++i;
        line += "; ";
    }
    return line;
}

int fail(int code, std::string_view message) {
    const std::string line = fmt::format("duet: error: {}\n", on_one_line(message));
    std::fputs(line.c_str(), stderr);
    return code;
}

/// Allocates nothing. An exception of the library's says what was wanted, one of the language's its own name.
int fail_for_lack_of_memory(const std::bad_alloc& error) {
    const std::string_view wanted = error.what();
    std::fputs("duet: error: not enough memory", stderr);
    if (!wanted.starts_with("std::")) std::fprintf(stderr, ": %s", error.what());
    std::fputs("\n", stderr);
    return other_failure;
}

/// What is wrong with arguments that no option takes, and what was likely meant by the first of them.
std::string unknown_argument(CLI::App& app) {
    const CLI::App* command = app.get_subcommands().empty() ? nullptr : app.get_subcommands().front();
    std::vector<std::string> names;
    if (command == nullptr)
        for (const CLI::App* known : duet::tools::shown_commands(app)) names.push_back(known->get_name());
    else
        for (const CLI::Option* option : command->get_options())
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    const std::string see = command == nullptr
                                ? fmt::format("commands are {}; see `duet help`", fmt::join(names, ", "))
                                : fmt::format("see `duet help {}`", command->get_name());
    const std::vector<std::string> left = app.remaining(true);
    if (left.empty()) return "no command given; " + see;
    // An option's value is left over with it.
    const auto option = std::find_if(left.begin(), left.end(),
                                     [](const std::string& argument) { return argument.starts_with('-'); });
    const std::string argument = option == left.end() ? left.front() : option->substr(0, option->find('='));
    std::string meant;
    if (command == nullptr)
        meant = duet::nearest(argument, names);
    else if (argument.starts_with("--"))
        meant = duet::tools::flag_meant(argument, names);
    return fmt::format("{} is unknown; {}", duet::quoted_for_message(argument),
                       meant.empty() ? see : fmt::format("did you mean {}?", meant));
}

int run(int argc, char** argv) {
    CLI::App app("Declares, trains and draws from generative adversarial networks.", "duet");
    app.set_version_flag("--version", "duet " DUET_VERSION);
    app.set_help_flag("-h,--help", "Print this help and end");
    app.formatter(std::make_shared<duet::tools::Help>());
    app.require_subcommand(0, 1);
    app.footer(
        "Exit codes: 0 success, 2 bad usage or bad input, 1 any other failure.\n"
        "`duet help COMMAND` explains a command's options.");
    duet::tools::add_train_command(app);
    duet::tools::add_sample_command(app);
    duet::tools::add_inspect_command(app);
    duet::tools::add_compare_command(app);
    duet::tools::add_plot_command(app);
    duet::tools::add_evaluate_command(app);
    duet::tools::add_features_command(app);
    duet::tools::add_study_command(app);
    duet::tools::add_bench_command(app);
    duet::tools::add_list_command(app);
    duet::tools::add_completion_command(app);
    duet::tools::add_man_command(app);
    duet::tools::add_export_command(app);
    duet::tools::add_runs_command(app);
    duet::tools::add_info_command(app);
    duet::tools::add_verify_command(app);
    std::vector<std::string> arguments(argv + 1, argv + argc);
    if (!arguments.empty() && arguments.front() == "help") {
        arguments.erase(arguments.begin());
        arguments.emplace_back("--help");
    }
    std::reverse(arguments.begin(), arguments.end());
    try {
        app.parse(arguments);
        if (app.get_subcommands().empty()) return fail(bad_usage_or_input, unknown_argument(app));
    } catch (const CLI::ExtrasError&) {
        return fail(bad_usage_or_input, unknown_argument(app));
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0) return fail(bad_usage_or_input, error.what());
        app.exit(error);
    }
    // Nobody reads a closed pipe or a terminal that is gone.
    if (std::fflush(stdout) != 0 && errno != EPIPE && errno != EIO)
        return fail(other_failure,
                    fmt::format("cannot write to the standard output: {}", std::strerror(errno)));
    return 0;
}

int run_and_report(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const duet::NonFiniteError& error) {
        return fail(other_failure, error.what());
    } catch (const duet::MemoryError& error) {
        return fail(other_failure, error.what());
    } catch (const duet::StorageError& error) {
        return fail(other_failure, error.what());
    } catch (const duet::Error& error) {
        return fail(bad_usage_or_input, error.what());
    } catch (const std::system_error& error) {  // fmt's, of the standard output
        return fail(other_failure,
                    fmt::format("cannot write to the standard output: {}", error.code().message()));
    } catch (const std::exception& error) {
        return fail(other_failure, error.what());
    }
}

}  // namespace

int main(int argc, char** argv) {
    // A file that is opened must not become one of the standard three.
    while (true) {
        const int descriptor = open("/dev/null", O_RDWR);
        if (descriptor < 0 || descriptor > STDERR_FILENO) {
            if (descriptor >= 0) close(descriptor);
            break;
        }
    }
    try {
        return run_and_report(argc, argv);
    } catch (const std::bad_alloc& error) {  // a message may be what there is no memory for
        return fail_for_lack_of_memory(error);
    }
}
