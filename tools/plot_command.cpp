#include <filesystem>
#include <memory>
#include <span>

#include <fmt/format.h>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>

#include "command.hpp"
#include "commands.hpp"
#include "curves.hpp"
#include "numbers.hpp"
#include "output_path.hpp"

namespace duet::tools {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_smoothed = 1'000'000;

struct PlotArguments {
    std::vector<std::string> runs;
    std::string out;
    std::vector<std::string> metrics;
    std::size_t smooth = 0;
};

/// "runs/first" of "runs/first/".
std::string name_of(const std::string& run) {
    const fs::path path = fs::path(run).lexically_normal();
    return (path.has_filename() ? path : path.parent_path()).string();
}

void plot(const PlotArguments& arguments) {
    if (arguments.out.empty() && arguments.runs.size() > 1)
        throw Error("--out: a name for the picture of several runs is needed, ending in .png or .svg");
    const fs::path out =
        arguments.out.empty() ? fs::path(arguments.runs.front()) / "curves.png" : fs::path(arguments.out);
    const bool vectors = out.extension() == ".svg";
    if (!vectors && out.extension() != ".png")
        throw Error(fmt::format("--out: {}: the name must end in .png or .svg", out.string()));
    if (!arguments.out.empty()) check_output_file("--out", out);
    std::vector<PlottedRun> runs;
    for (const std::string& run : arguments.runs)
        runs.push_back({name_of(run), read_metrics(fs::path(run) / "metrics.csv")});
    const Chart chart = chart_of(runs, arguments.metrics, arguments.smooth);
    if (vectors) {
        const std::string svg = chart_svg(chart);
        write_file_atomically(out, std::as_bytes(std::span(svg)));
    } else {
        write_png(out, chart_picture(chart));
    }
    fmt::print("{}\n", out.string());
}

}  // namespace

void add_plot_command(CLI::App& app) {
    Command command(app, "plot", "Draw what trainings measured, their losses by default.");
    auto arguments = std::make_shared<PlotArguments>();
    command.option("runs", arguments->runs, "Folders that `duet train` wrote")
        .required()
        .takes("DIR...", any_text());
    command
        .option("--out", arguments->out,
                "A name ending in .png or .svg (default: curves.png in the folder of a single run)")
        .takes("FILE", any_text());
    command
        .option("--metric", arguments->metrics,
                "A column of metrics.csv to draw instead of the losses; may be repeated")
        .takes("NAME", any_text())
        .repeated();
    command
        .option("--smooth", arguments->smooth,
                "Draw the mean of N rows around each, with the values pale behind it (default: a "
                "fiftieth of a run's rows, 1 up to 400 of them)")
        .takes("N", whole_number(1, most_smoothed));
    command.runs([arguments] { plot(*arguments); });
}

}  // namespace duet::tools
