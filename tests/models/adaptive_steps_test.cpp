#include <doctest/doctest.h>

#include <map>

#include "small_training.hpp"

using namespace duet;
using namespace duet::testing;
using models::Trainer;
using models::Training;

TEST_CASE("the rule of Bie et al. adds discriminator steps, and goes on from a saved state") {
    models::AdaptiveSteps rule({0.6, 3, 5});
    const std::vector<std::string> names = {"fake_accuracy"};
    std::uint64_t step = 0;
    const auto see = [&](double accuracy) {
        const std::vector<double> values = {accuracy};
        rule.see({++step, names, values});
        return rule.repeats();
    };
    CHECK(rule.repeats() == 1);
    CHECK(see(0.59) == 1);
    CHECK(see(0.59) == 1);
    CHECK(see(0.59) == 2);  // three steps held
    CHECK(see(1.0) == 2);
    CHECK(see(1.0) == 2);
    CHECK(see(0.0) == 5);  // 0.59, 0.5941, 0.5982, and now 0.5922
    CHECK(*rule.variables()[0].data() == doctest::Approx(0.99 * (0.99 * (0.99 * 0.59 + 0.01) + 0.01)));
    for (int i = 0; i < 4; ++i) CHECK(see(0.0) == 5);  // ten are more than the most
    // A damaged state is held within the levels there are.
    for (const auto& [level, steps] :
         std::map<float, std::size_t>{{-1.0F, 1}, {1000.0F, 500}, {1e30F, 500}}) {
        rule.variables()[1].fill(level);
        CHECK(rule.repeats() == steps);
    }
}

TEST_CASE("a rule that repeats a stage decides how many batches a step shows") {
    const auto adaptive = [] {
        Training training = pair({discriminator_loss()}, generator_loss());
        training.stages[0].rule =
            std::make_shared<models::AdaptiveSteps>(models::AdaptiveStepsOptions{1, 2, 2});
        training.phases[0].watched = {models::AdaptiveSteps::fake_accuracy()};
        return training;
    };
    Trainer trainer(adaptive(), pictures());
    std::vector<std::uint64_t> batches;
    for (int i = 0; i < 5; ++i) {
        trainer.step();
        batches.push_back(trainer.state().at.batch);
    }
    CHECK(batches == std::vector<std::uint64_t>{1, 2, 4, 6, 8});
    Trainer again(adaptive(), pictures());
    for (int i = 0; i < 3; ++i) again.step();
    Trainer resumed(adaptive(), pictures());
    resumed.state().restore(again.state().save());
    for (int i = 3; i < 5; ++i) resumed.step();
    CHECK(all_same_bits(values_of(trainer.state().variables()), values_of(resumed.state().variables())));
}
