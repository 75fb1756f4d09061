#include "cost.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/ops/arithmetic.hpp>
#include <duet/ops/matmul.hpp>

namespace duet::tools {

namespace {

constexpr std::size_t warm_up_steps = 5, measured_steps = 51;

/// What one thread does in a microsecond.
struct Speed {
    double flops;
    double bytes;
};

Speed measure_speed() {
    constexpr std::size_t side = 256, runs = 20;
    Graph graph;
    const Tensor x = graph.input("x", {side, side});
    auto program = compile<float>(graph, {matmul(x, x), -x});
    program.set_profiled(true);
    const Array values = filled(Shape{side, side}, 1.0F);
    Speed best{0, 0};
    for (std::size_t run = 0; run < runs; ++run) {
        program.run({{x, values}});
        for (const InstructionTime& time : program.times()) {
            if (time.name == "matmul") best.flops = std::max(best.flops, time.flops / time.duration);
            if (time.name == "negate") best.bytes = std::max(best.bytes, time.bytes / time.duration);
        }
    }
    return best;
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace

std::string predicted_and_measured(models::Trainer& trainer) {
    const Speed speed = measure_speed();
    const auto threads = static_cast<double>(trainer.arena().threads());
    for (std::size_t step = 0; step < warm_up_steps; ++step) trainer.step();
    trainer.set_profiled(true);
    const auto programs = trainer.programs();
    // For each program, each instruction's durations; the profile lists thread after thread.
    std::vector<std::vector<std::vector<double>>> durations(programs.size());
    for (std::size_t step = 0; step < measured_steps; ++step) {
        trainer.step();
        for (std::size_t i = 0; i < programs.size(); ++i) {
            durations[i].resize(programs[i].second->report().instructions);
            for (const InstructionTime& time : programs[i].second->times()) {
                std::vector<double>& all = durations[i][time.instruction];
                if (all.size() <= step) all.resize(step + 1, 0.0);
                all[step] = std::max(all[step], time.duration);
            }
        }
    }
    std::string text = fmt::format("one thread: {:.1f} GFLOP/s, {:.1f} GB/s in cache; {} threads\n",
                                   speed.flops / 1e3, speed.bytes / 1e3, trainer.arena().threads());
    for (std::size_t i = 0; i < programs.size(); ++i) {
        text += fmt::format("\n# {}\n{:>12} {:>12} {:>10}  instruction\n", programs[i].first, "predicted us",
                            "measured us", "GFLOP/s");
        double all_predicted = 0, all_measured = 0;
        std::vector<bool> listed(durations[i].size(), false);
        for (const InstructionTime& time : programs[i].second->times()) {
            if (listed[time.instruction]) continue;
            listed[time.instruction] = true;
            const double predicted = std::max(time.flops / speed.flops, time.bytes / speed.bytes) / threads;
            const double measured = median(durations[i][time.instruction]);
            text += fmt::format("{:>12.2f} {:>12.2f} {:>10.1f}  {}\n", predicted, measured,
                                measured > 0 ? time.flops / measured / 1e3 : 0.0, time.name);
            all_predicted += predicted;
            all_measured += measured;
        }
        text += fmt::format("{:>12.2f} {:>12.2f}             all\n", all_predicted, all_measured);
    }
    trainer.set_profiled(false);
    return text;
}

}  // namespace duet::tools
