#include "bench.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace duet::bench {

namespace {

int run(int argc, char** argv) {
    CLI::App app(
        "Measures Duet on this machine. Everything compared is measured in turns; figures are medians.",
        "bench");
    Options options;
    std::string only, memory_of;
    bool growth = false, peer = false, quick = false, start_up = false;
    app.add_option("--data", options.data, "Folder of digits as IDX files")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--rounds", options.timing.rounds, "Rounds to take the median of")
        ->check(CLI::Range(1, 10'000))
        ->type_name("N")
        ->capture_default_str();
    app.add_flag("--quick", quick, "Short samples, three rounds: a look, not a measurement");
    app.add_flag(
        "--cpu-time", options.timing.cpu_time,
        "Measure the calling thread's time on a processor, not the time that passes: steadier while other "
        "programs run, but says nothing of two threads");
    app.add_flag("--growth", growth, "Also other batches, widths and depths, and a graph of 10,000 nodes");
    app.add_flag("--peer", peer, "Also PyTorch at its best (a minute or two); needs python3-torch");
    app.add_option("--peer-script", options.peer_script, "The script that --peer runs")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_option("--only", only,
                   "One part of the report: step, terms, convolutional-step, parts, convolution, "
                   "start-up, growth or peer")
        ->check(CLI::IsMember(
            {"step", "terms", "convolutional-step", "parts", "convolution", "start-up", "growth", "peer"}))
        ->type_name("PART");
    app.add_flag("--run-start-up", start_up)->group("");
    app.add_option("--run-memory", memory_of)->group("");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        fmt::print(stderr, "duet: error: {}\n", error.what());
        return 2;
    }
    if (start_up) {
        run_start_up(options);
        return 0;
    }
    if (!memory_of.empty()) {
        run_memory(options, memory_of);
        return 0;
    }
    if (quick) {
        options.timing.rounds = 3;
        options.timing.milliseconds = 10;
    }
    const auto data = std::make_shared<const Dataset>(load_idx_folder(options.data, Split::train));
    print_machine();
    const auto wanted = [&](const char* part, bool otherwise) {
        return only.empty() ? otherwise : only == part;
    };
    if (wanted("step", true)) print_step(options, data);
    if (wanted("terms", false)) print_terms(options, data);
    const std::filesystem::path itself = std::filesystem::read_symlink("/proc/self/exe");
    if (wanted("convolutional-step", true)) print_convolutional_step(options, data, peer, itself);
    if (wanted("parts", true)) print_parts(options);
    if (wanted("convolution", true)) print_convolution(options, peer);
    if (wanted("start-up", true)) print_start_up(options, itself);
    if (wanted("growth", growth)) print_growth(options, data);
    if (wanted("peer", peer)) print_peer(options, data);
    return 0;
}

}  // namespace

}  // namespace duet::bench

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    try {
        return duet::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::fflush(stdout);
        fmt::print(stderr, "duet: error: {}\n", error.what());
        return 2;
    }
}
