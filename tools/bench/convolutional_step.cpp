#include <array>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

#include <duet/ops/kernels/blas_threads.hpp>

#include "../../tests/allocations.hpp"
#include "bench.hpp"
#include "gemm_list.hpp"

namespace duet::bench {

namespace {

constexpr std::size_t batch = 64;
constexpr std::array<const char*, 2> models_measured = {"dcgan", "wgan-gp"};

/// The preset as torch_gan.py trains it.
Spec recipe_of_preset(const Data& data, const std::string& name) {
    const models::Catalogue catalogue = models::standard_catalogue();
    const Spec batch_size = models::settings({fmt::format("batch={}", batch)});
    return models::fitted(catalogue, models::layered(catalogue, {models::preset(name), batch_size}), *data);
}

struct Memory {
    double peak, plan, allocations;
};

Memory measure_memory(const Options& options, const std::string& itself, const std::string& model) {
    const std::string command =
        fmt::format("{} --run-memory {} --data {}", shell_quoted(itself), model, shell_quoted(options.data));
    FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) throw std::runtime_error("cannot run this program again");
    Memory memory{};
    const int read = std::fscanf(pipe, "%lf %lf %lf", &memory.peak, &memory.plan, &memory.allocations);
    if (pclose(pipe) != 0 || read != 3) throw std::runtime_error("running this program again failed");
    return memory;
}

void print_step(const char* model, const Floor& floor, const std::vector<Measured>& all) {
    const double gflop = floor.flops() * 1e-9;
    for (const std::size_t threads : {1, 2}) {
        const Measured& step = all[threads];
        const auto count = static_cast<double>(threads);
        fmt::print("{:<20}{:>10.2f}{:>9}{:>10.1f}{:>9.1f}{:>10.1f}{:>9.2f}", model, gflop, threads,
                   median(step), gflop / median(step) * 1e3, median(all[0]) / count,
                   ratio(step, all[0]) * count);
        fmt::print("{}\n", threads == 1 ? "" : fmt::format("{:>10.2f}", ratio(all[1], step)));
    }
}

}  // namespace

void run_memory(const Options& options, const std::string& model) {
    const auto data = std::make_shared<const Dataset>(load_idx_folder(options.data, Split::train));
    models::Trainer trainer = make_trainer(data, recipe_of_preset(data, model), 2);
    trainer.step();
    const std::size_t before = duet::testing::allocations();
    for (int step = 0; step < 3; ++step) trainer.step();
    fmt::print("{} {} {}\n", peak_mebibytes(), static_cast<double>(trainer.arena().bytes()) / (1 << 20),
               duet::testing::allocations() - before);
}

void print_convolutional_step(const Options& options, const Data& data, bool peer,
                              const std::string& itself) {
    const SingleThreadedBlas single_threaded;
    fmt::print(
        "\none step, 28x28, batch {}  GFLOP  threads        ms  GFLOP/s     floor  / floor  speed-up\n",
        batch);
    const bool beside_peer = peer && peer_is_there(options);
    for (const char* model : models_measured) {
        const Spec recipe = recipe_of_preset(data, model);
        Floor floor(step_gemms(recipe));
        models::Trainer single = make_trainer(data, recipe, 1), two = make_trainer(data, recipe, 2);
        std::vector<Measured> all = {
            {"", [&] { floor.run(); }}, {"", [&] { single.step(); }}, {"", [&] { two.step(); }}};
        measure(all, options.timing);
        print_step(model, floor, all);
        const Memory memory = measure_memory(options, itself, model);
        fmt::print("{:<20}peak memory {:.0f} MiB, of which plan {:.1f}; heap allocations in 3 steps: {}\n",
                   "", memory.peak, memory.plan, memory.allocations);
        if (!beside_peer) continue;
        const PeerResult theirs = best_of_peer(options, fmt::format(" --model {} --batch {}", model, batch));
        for (const std::size_t threads : {1, 2}) {
            const double peer_ms = threads == 1 ? theirs.single_threaded_milliseconds : theirs.milliseconds;
            fmt::print("{}: Duet on {} thread{} {:.1f} ms, PyTorch {} {:.1f} ms: {:.2f} x faster\n", model,
                       threads, threads == 1 ? " " : "s", median(all[threads]),
                       threads == 1 ? "on one thread" : "at its best", peer_ms,
                       peer_ms / median(all[threads]));
        }
        fmt::print("{}: peak memory {:.0f} MiB, PyTorch's {:.0f} MiB\n", model, memory.peak,
                   theirs.peak_mebibytes);
    }
}

}  // namespace duet::bench
