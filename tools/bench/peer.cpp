#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

#include "bench.hpp"
#include "unshared.hpp"

namespace duet::bench {

namespace {

constexpr const char* python = "/usr/bin/python3";

}  // namespace

bool peer_is_there(const Options& options) {
    if (std::system(fmt::format("{} -c 'import torch, numpy' 2>/dev/null", python).c_str()) != 0) {
        fmt::print("skipped: {} has no torch; apt-get install python3-torch python3-numpy\n", python);
        return false;
    }
    if (!std::filesystem::exists(options.peer_script))
        throw Error(fmt::format("{}: no such file; run from the repository's root or give --peer-script",
                                options.peer_script));
    return true;
}

PeerResult best_of_peer(const Options& options, const std::string& arguments) {
    std::fflush(stdout);
    const std::string command =
        fmt::format("{} {} --best{}", python, shell_quoted(options.peer_script), arguments);
    FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) throw Error(fmt::format("cannot run {}", python));
    PeerResult best{0, 0, std::numeric_limits<double>::infinity()};
    char line[256];
    while (std::fgets(line, sizeof line, pipe)) {
        fmt::print("    {}", line);
        std::fflush(stdout);
        double ms = 0, peak = 0;
        if (std::sscanf(line, "%lf ms %lf MiB", &ms, &peak) == 2 && std::strstr(line, "OMP 1, OpenBLAS 1"))
            best.single_threaded_milliseconds = std::min(best.single_threaded_milliseconds, ms);
        std::sscanf(line, "best: median %lf ms, peak %lf MiB", &best.milliseconds, &best.peak_mebibytes);
    }
    if (pclose(pipe) != 0 || best.milliseconds <= 0)
        throw Error(fmt::format("{} failed; what it said stands above", options.peer_script));
    return best;
}

void print_peer(const Options& options, const Data& data) {
    fmt::print("\nbeside PyTorch at its best, alternating, batch 128\n");
    if (!peer_is_there(options)) return;
    for (const bool r1 : {false, true}) {
        models::Trainer single = make_trainer(data, article_recipe(data, "alternating", r1), 1);
        models::Trainer two = make_trainer(data, article_recipe(data, "alternating", r1), 2);
        UnsharedProducts unshared_one(1), unshared_two(2);
        std::vector<Measured> before = {{"", [&] { single.step(); }},
                                        {"", [&] { two.step(); }},
                                        {"", [&] { unshared_one.run(); }},
                                        {"", [&] { unshared_two.run(); }}},
                              after = before;
        measure(before, options.timing);
        const double peer = best_of_peer(options, r1 ? " --r1 1" : "").milliseconds;
        measure(after, options.timing);
        // Each side's best: of PyTorch's settings, and of before and after, since PyTorch's busiest leave
        // their mark.
        for (std::size_t i = 0; i < 2; ++i) {
            const double ours = std::min(median(before[i]), median(after[i]));
            fmt::print("{}: Duet on {} thread{} {:.3f} ms, PyTorch {:.3f} ms: {:.2f} x faster\n",
                       r1 ? "with R1" : "plain", i + 1, i == 0 ? " " : "s", ours, peer, peer / ours);
        }
        fmt::print("{}: products that share nothing, 2 threads: {:.2f} x\n", r1 ? "with R1" : "plain",
                   2 * std::max(ratio(before[2], before[3]), ratio(after[2], after[3])));
    }
}

}  // namespace duet::bench
