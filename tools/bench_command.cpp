#include <array>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "command.hpp"
#include "commands.hpp"
#include "dirac_updates.hpp"
#include "numbers.hpp"

namespace duet::tools {

namespace {

std::string row_of(const DiracUpdate& update, const DiracLoss& loss) {
    const double computed = computed_radius(update, loss), closed_form = update.closed_form(loss.slope);
    return fmt::format("{:<30}{:<22}{:>9.6f}{:>13.6f}{:>12.6f}  {}\n", update.name, loss.name, computed,
                       closed_form, std::abs(computed - closed_form), verdict(computed));
}

/// Every update under the first loss of each f'(0); of the losses that share it, one that shows it.
std::string dirac() {
    std::string text = fmt::format("{:<30}{:<22}{:>9}{:>13}{:>12}\n", "update", "loss", "computed",
                                   "closed form", "difference");
    std::set<double> slopes;
    for (const DiracLoss& loss : dirac_losses()) {
        const bool first = slopes.insert(loss.slope).second;
        for (const DiracUpdate& update : dirac_updates())
            if (first || update.name == "R1, simultaneous") text += row_of(update, loss);
    }
    return text;
}

struct Benchmark {
    const char* name;
    const char* help;
    std::string (*run)();
};

constexpr std::array benchmarks{Benchmark{
    "dirac", "how one step contracts the Dirac-GAN, for every update, beside the closed form", dirac}};

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const Benchmark& benchmark : benchmarks) all.emplace_back(benchmark.name);
    return all;
}

}  // namespace

void add_bench_command(CLI::App& app) {
    Command command(app, "bench", "Train on problems whose outcome is known, and print both.");
    auto name = std::make_shared<std::string>();
    std::string help = "Which: ";
    for (const Benchmark& benchmark : benchmarks)
        help += fmt::format("{}, {}", benchmark.name, benchmark.help);
    command.option("name", *name, help).required().takes("NAME", one_of(names()));
    command.runs([name] {
        for (const Benchmark& benchmark : benchmarks)
            if (benchmark.name == *name) fmt::print("{}", benchmark.run());
    });
}

}  // namespace duet::tools
