#include <deque>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <duet/ops/kernels/blas_threads.hpp>

#include "bench.hpp"
#include "gemm_list.hpp"
#include "handwritten.hpp"
#include "unshared.hpp"

namespace duet::bench {

using models::Trainer;

Spec recipe_of(const Data& data, const std::vector<std::string>& settings) {
    const models::Catalogue catalogue = models::standard_catalogue();
    return models::fitted(catalogue, models::layered(catalogue, {models::settings(settings)}), *data);
}

Spec article_recipe(const Data& data, const std::string& schedule, bool r1) {
    return recipe_of(data, {"schedule.kind=" + schedule, r1 ? "penalties=[{kind='r1'}]" : "penalties=[]"});
}

Trainer make_trainer(const Data& data, const Spec& recipe, std::size_t threads) {
    const models::Catalogue catalogue = models::standard_catalogue();
    const models::Model model = models::model_of(catalogue, recipe);
    return {models::training_of(catalogue, recipe, model), data, {.threads = threads}};
}

void print_step(const Options& options, const Data& data) {
    const SingleThreadedBlas single_threaded;
    struct Kind {
        const char* schedule;
        bool r1;
        const char* name;
    };
    const Kind kinds[] = {{"alternating", false, "alternating"},
                          {"alternating", true, "alternating, R1"},
                          {"documented", false, "documented"},
                          {"documented", true, "documented, R1"}};
    std::deque<Trainer> trainers;
    std::vector<Floor> floors;
    std::vector<Measured> all;
    for (const Kind& kind : kinds)
        floors.emplace_back(step_gemms(article_recipe(data, kind.schedule, kind.r1)));
    for (std::size_t i = 0; i < std::size(kinds); ++i) {
        all.push_back({"", [&floor = floors[i]] { floor.run(); }});
        for (const std::size_t threads : {1, 2}) {
            trainers.push_back(
                make_trainer(data, article_recipe(data, kinds[i].schedule, kinds[i].r1), threads));
            all.push_back({"", [&trainer = trainers.back()] { trainer.step(); }});
        }
    }
    Handwritten handwritten(data, 128, 0);
    all.push_back({"", [&handwritten] { handwritten.step(); }});
    UnsharedProducts unshared_one(1), unshared_two(2);
    all.push_back({"", [&] { unshared_one.run(); }});
    all.push_back({"", [&] { unshared_two.run(); }});
    measure(all, options.timing);

    fmt::print(
        "\none step, batch 128, {} rounds      MFLOP  threads       ms  GFLOP/s    floor  / floor  "
        "speed-up\n",
        options.timing.rounds);
    for (std::size_t i = 0; i < std::size(kinds); ++i) {
        const Measured *floor = &all[3 * i], *single = floor + 1;
        const double mflop = floors[i].flops() * 1e-6;
        for (const std::size_t threads : {1, 2}) {
            const Measured& step = floor[threads];
            const auto count = static_cast<double>(threads);
            fmt::print("{:<34}{:>7.1f}{:>9}{:>9.3f}{:>9.1f}{:>9.3f}{:>9.2f}", kinds[i].name, mflop, threads,
                       median(step), mflop / median(step), median(*floor) / count,
                       ratio(step, *floor) * count);
            fmt::print("{}\n", threads == 1 ? "" : fmt::format("{:>10.2f}", ratio(*single, step)));
        }
    }
    const Measured &two = all.back(), &one = all[all.size() - 2], &by_hand = all[all.size() - 3];
    fmt::print("{:<34}{:>7.1f}{:>9}{:>9.3f}{:>9.1f}{:>9.3f}{:>9.2f}\n", "handwritten, alternating",
               floors[0].flops() * 1e-6, 1, median(by_hand), floors[0].flops() * 1e-6 / median(by_hand),
               median(all[0]), ratio(by_hand, all[0]));
    fmt::print("handwritten / Duet on 1 thread    {:>7.2f}\n", ratio(by_hand, all[1]));

    fmt::print("products that share nothing: {:.1f} GFLOP/s on 1 thread, {:.1f} on 2, {:.2f} x\n",
               unshared_one.flops() * 1e-6 / median(one), unshared_two.flops() * 1e-6 / median(two),
               2 * ratio(one, two));

    // Both must be training the same thing.
    Trainer fresh_trainer = make_trainer(data, article_recipe(data, "alternating", false), 1);
    Handwritten fresh(data, 128, 0);
    double ours = 0, theirs = 0;
    constexpr int first = 100, steps = 300;
    for (int step = 0; step < steps; ++step) {
        const double loss = fresh_trainer.step()["discriminator_loss"], other = fresh.step().discriminator;
        if (step >= first) {
            ours += loss / (steps - first);
            theirs += other / (steps - first);
        }
    }
    fmt::print("discriminator loss, mean of steps {} to {}: Duet {:.3f}, handwritten {:.3f}\n", first, steps,
               ours, theirs);
}

}  // namespace duet::bench
