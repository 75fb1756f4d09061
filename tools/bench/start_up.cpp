#include <array>
#include <cstdio>
#include <stdexcept>

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <duet/graph/error.hpp>

#include "../../tests/allocations.hpp"
#include "bench.hpp"

namespace duet::bench {

namespace {

struct Start {
    double loading, building, first_step, peak, at_rest, plan, parameters, data, allocations;
};

Start run_once(const std::string& command) {
    FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) throw std::runtime_error("cannot run this program again");
    Start start{};
    const int read = std::fscanf(pipe, "%lf %lf %lf %lf %lf %lf %lf %lf %lf", &start.loading, &start.building,
                                 &start.first_step, &start.peak, &start.at_rest, &start.plan,
                                 &start.parameters, &start.data, &start.allocations);
    if (pclose(pipe) != 0 || read != 9) throw std::runtime_error("running this program again failed");
    return start;
}

}  // namespace

std::string shell_quoted(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

double peak_mebibytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

void run_start_up(const Options& options) {
    const double at_rest = peak_mebibytes();
    const double begin = now();
    const auto data = std::make_shared<const Dataset>(load_idx_folder(options.data, Split::train));
    const double loaded = now();
    models::Trainer trainer = make_trainer(data, article_recipe(data, "alternating", true), 2);
    const double built = now();
    trainer.step();
    const double stepped = now();
    const std::size_t before = duet::testing::allocations();
    for (int step = 0; step < 250; ++step) trainer.step();
    const std::size_t allocations = duet::testing::allocations() - before;
    std::size_t parameters = 0;
    for (const models::Network& network : trainer.training().networks)
        for (const Variable& variable : network.variables()) parameters += 4 * variable.shape().elements();
    constexpr double mebibyte = 1 << 20;
    fmt::print("{} {} {} {} {} {} {} {} {}\n", loaded - begin, built - loaded, stepped - built,
               peak_mebibytes(), at_rest, static_cast<double>(trainer.arena().bytes()) / mebibyte,
               static_cast<double>(parameters) / mebibyte,
               static_cast<double>(data->images.size()) / mebibyte, allocations);
}

void print_start_up(const Options& options, const std::string& itself) {
    const std::string command =
        fmt::format("{} --run-start-up --data {}", shell_quoted(itself), shell_quoted(options.data));
    std::vector<double> loading, building, first_step;
    Start start{};
    for (std::size_t i = 0; i < std::min<std::size_t>(options.timing.rounds, 7); ++i) {
        start = run_once(command);
        loading.push_back(start.loading);
        building.push_back(start.building);
        first_step.push_back(start.first_step);
    }
    fmt::print("\nstart-up, alternating with R1, 2 threads, in a process of its own\n");
    fmt::print("loading {:.1f} ms, building and compiling {:.1f} ms, first step {:.1f} ms: {:.3f} s\n",
               median(loading), median(building), median(first_step),
               1e-3 * (median(loading) + median(building) + median(first_step)));
    fmt::print("heap allocations in 250 steps: {}\n", start.allocations);
    fmt::print(
        "memory in MiB: peak {:.1f} ({:.1f} before anything); plan {:.2f} + 3 x parameters {:.2f} + data set "
        "{:.2f} + 20 = {:.1f}\n",
        start.peak, start.at_rest, start.plan, start.parameters, start.data,
        start.plan + 3 * start.parameters + start.data + 20);
}

}  // namespace duet::bench
