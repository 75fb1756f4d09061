#include <deque>

#include <fmt/format.h>

#include "bench.hpp"

namespace duet::bench {

void print_terms(const Options& options, const Data& data) {
    struct Kind {
        const char* name;
        std::vector<std::string> settings;
    };
    const std::string alternating = "schedule.kind=alternating", without = "penalties=[]";
    const Kind kinds[] = {
        {"alternating", {alternating, without}},
        {"simultaneous", {"schedule.kind=simultaneous", without}},
        {"R1", {alternating, "penalties=[{kind='r1'}]"}},
        {"R1, every 16 steps", {alternating, "penalties=[{kind='r1',every=16}]"}},
        {"R1 and R2", {alternating, "penalties=[{kind='r1'},{kind='r2'}]"}},
        {"simultaneous, R1", {"schedule.kind=simultaneous", "penalties=[{kind='r1'}]"}},
        {"spectral norm", {alternating, without, "networks.discriminator.normalization='spectral'"}},
        {"average of the generator", {alternating, without, "average.decay=0.999"}},
        {"translation, cutout, brightness",
         {alternating, without, "transforms=[{kind='translation'},{kind='cutout'},{kind='brightness'}]"}},
        {"relativistic pairing", {alternating, without, "loss.kind='relativistic-pairing'"}},
        {"hinge", {alternating, without, "loss.kind='hinge'"}},
        {"gradient clipping",
         {alternating, without, "optimizers.discriminator.constraints=[{kind='gradient-clipping'}]"}},
    };
    std::deque<models::Trainer> trainers;
    std::vector<Measured> all;
    for (const std::size_t threads : {1, 2})
        for (const Kind& kind : kinds) {
            trainers.push_back(make_trainer(data, recipe_of(data, kind.settings), threads));
            all.push_back({"", [&trainer = trainers.back()] { trainer.step(); }});
        }
    measure(all, options.timing);
    fmt::print("\none step of the article's networks, {} rounds    ms on 1   / plain  ms on 2   / plain\n",
               options.timing.rounds);
    constexpr std::size_t count = std::size(kinds);
    for (std::size_t i = 0; i < count; ++i)
        fmt::print("{:<44}{:>9.3f}{:>10.2f}{:>9.3f}{:>10.2f}\n", kinds[i].name, median(all[i]),
                   ratio(all[i], all[0]), median(all[count + i]), ratio(all[count + i], all[count]));
}

}  // namespace duet::bench
