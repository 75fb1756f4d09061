#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>

#include <duet/data/file.hpp>

#include "command.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "output_path.hpp"
#include "provenance.hpp"
#include "study_engine.hpp"
#include "study_report.hpp"

namespace duet::tools {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_processes = 1000;

struct StudyArguments {
    std::string file, out, markdown;
    std::size_t processes = 1, threads = 1;
    bool retry_failed = false, quiet = false, table = false;
};

/// What makes the same again: not how fast.
std::string command_of(const StudyArguments& arguments) {
    std::string command = "duet study " + quoted_for_shell(arguments.file);
    if (!arguments.markdown.empty()) command += " --markdown " + quoted_for_shell(arguments.markdown);
    return command;
}

void report(const Study& study, const StudyArguments& arguments, const fs::path& out) {
    const StudyResults results = results_of(study, out);
    fmt::print("{}", study_text(study, results));
    if (!arguments.markdown.empty())
        write_file_atomically(arguments.markdown, study_markdown(study, results, command_of(arguments)));
}

void run_study(const StudyArguments& arguments) {
    const Study study = read_study(arguments.file);
    const fs::path out = arguments.out.empty() ? fs::path("runs") / study.name() : fs::path(arguments.out);
    check_output_folder("--out", out);
    if (!arguments.markdown.empty()) check_output_file("--markdown", arguments.markdown);
    if (arguments.table) return report(study, arguments, out);
    Interrupt interrupt;
    const StudyOptions options{out, arguments.processes, arguments.threads, arguments.retry_failed,
                               arguments.quiet};
    if (StudyEngine(study, options, interrupt).run()) return report(study, arguments, out);
    say(fmt::format("interrupted: what was trained is kept; to go on: duet study {} --out {}\n",
                    quoted_for_shell(arguments.file), quoted_for_shell(out.string())));
    interrupt.pass_on();
}

}  // namespace

void add_study_command(CLI::App& app) {
    Command command(app, "study",
                    "Train recipes with several seeds, and say which differ: a table with honest errors.");
    auto arguments = std::make_shared<StudyArguments>();
    command.option("file", arguments->file, "Recipes, data sets, seeds and metrics: `duet list study`")
        .required()
        .takes("FILE.toml", any_text());
    command
        .option("--out", arguments->out,
                "Folder of the runs, each in <recipe>-<data>-<seed> (default: runs/<name of FILE>)")
        .takes("DIR", any_text());
    arguments->processes = default_threads();
    command.option("--processes", arguments->processes, "Trainings at once")
        .takes("N", whole_number(1, most_processes))
        .with_default();
    command.option("--threads", arguments->threads, "Threads of each; results do not depend on it")
        .takes("N", whole_number(1, most_processes))
        .with_default();
    command.option("--markdown", arguments->markdown, "Also write the table as a page of Markdown")
        .takes("FILE.md", any_text());
    command.flag("--retry-failed", arguments->retry_failed, "Run again what failed before");
    command.flag("--table", arguments->table, "Run nothing: print the table of what is there");
    command.flag("--quiet", arguments->quiet, "Say nothing on the way");
    command.footer(
        "Started again after any end, it does what is left. Several may be started on one folder,\n"
        "on one machine or on many that share it: they share the runs.\n"
        "  duet study study.toml --out runs/study --markdown docs/results.md\n"
        "Intervals are of the mean over seeds, from the spread between them.");
    command.runs([arguments] { run_study(*arguments); });
}

}  // namespace duet::tools
