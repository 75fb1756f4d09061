#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <duet/autodiff/adam.hpp>
#include <duet/autodiff/gradient_tape.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/models/networks/network.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/kernels/blas_threads.hpp>
#include <duet/ops/reduce.hpp>

#include "bench.hpp"
#include "gemm_list.hpp"

namespace duet::bench {

namespace {

Timing fewer_rounds(const Options& options) {
    Timing timing = options.timing;
    timing.rounds = std::min<std::size_t>(timing.rounds, 7);
    return timing;
}

/// "[100, 128, 128, 784]"
std::string widths(std::size_t first, std::size_t width, std::size_t depth, std::size_t last) {
    std::string text = fmt::format("[{}, ", first);
    for (std::size_t i = 0; i < depth; ++i) text += fmt::format("{}, ", width);
    return text + fmt::format("{}]", last);
}

void print_row(const Options& options, const Data& data, std::size_t batch, std::size_t width,
               std::size_t depth) {
    const Spec recipe =
        recipe_of(data, {"schedule.kind=alternating", "penalties=[]", fmt::format("batch={}", batch),
                         "networks.generator.widths=" + widths(100, width, depth, 784),
                         "networks.discriminator.widths=" + widths(784, width, depth, 1)});
    Floor floor(step_gemms(recipe));
    const double begin = now();
    models::Trainer single = make_trainer(data, recipe, 1);
    const double compiled = now() - begin;
    models::Trainer two = make_trainer(data, recipe, 2);
    std::vector<Measured> all = {
        {"", [&] { floor.run(); }}, {"", [&] { single.step(); }}, {"", [&] { two.step(); }}};
    measure(all, fewer_rounds(options));
    fmt::print("{:>6}{:>7}{:>7}{:>11.1f}{:>11.3f}{:>11.3f}{:>9.2f}{:>11.3f}{:>9.2f}{:>11.0f}{:>11.2f}\n",
               batch, width, depth, floor.flops() * 1e-6, median(all[0]), median(all[1]),
               ratio(all[1], all[0]), median(all[2]), ratio(all[1], all[2]), compiled,
               static_cast<double>(single.arena().bytes()) / (1 << 20));
}

/// A deep network's training step of at least this many nodes.
void print_large_graph(std::size_t nodes) {
    std::vector<std::size_t> widths(2, 8);
    std::size_t made = 0;
    double declared = 0, compiled = 0;
    ProgramReport report;
    while (made < nodes) {
        const models::Network network = models::mlp("deep", widths, tanh, linear, 0);
        const double begin = now();
        Graph graph;
        Adam adam("adam");
        const Tensor x = graph.input("x", {4, 8});
        const GradientTape tape(graph);
        const Tensor loss = mean(square(network(x)));
        const Updates updates = adam.apply(tape.gradient(loss, network.variables()));
        declared = now() - begin;
        made = graph.size();
        if (made >= nodes) {
            const auto program = compile<float>(graph, {loss}, {updates});
            compiled = now() - begin - declared;
            report = program.report();
        }
        const std::size_t layers = widths.size() - 1;
        widths.assign(std::max(layers + 1, layers * nodes / made + 1) + 1, 8);
    }
    fmt::print("a graph of {} nodes: declared in {:.0f} ms, compiled in {:.0f} ms to {} instructions\n", made,
               declared, compiled, report.instructions);
    for (const PassReport& pass : report.passes)
        fmt::print("    {:<24}{:>8} nodes{:>10.1f} ms\n", pass.pass, pass.nodes, pass.milliseconds);
}

}  // namespace

void print_growth(const Options& options, const Data& data) {
    const SingleThreadedBlas single_threaded;
    fmt::print(
        "\nalternating step of other sizes; depth counts hidden layers\n"
        " batch  width  depth      MFLOP   floor ms  1 thread  / floor  2 threads speed-up build ms   plan "
        "MiB\n");
    for (const std::size_t batch : {32, 64, 128, 256, 512, 1024}) print_row(options, data, batch, 128, 2);
    for (const std::size_t width : {256, 512, 1024, 2048}) print_row(options, data, 128, width, 2);
    for (const std::size_t depth : {4, 8, 16}) print_row(options, data, 128, 128, depth);
    print_large_graph(10'000);
}

}  // namespace duet::bench
