#include <duet/models/rows.hpp>
#include <duet/models/training/adaptive_steps.hpp>

namespace duet::models {

void add_schedule_rows(Catalogue& catalogue) {
    constexpr std::int64_t most_discriminator_steps = 1000, most_held = 1 << 24;
    catalogue.add(
        {"schedule",
         "documented",
         "a joint step of both networks from one forward pass, then a generator step on fresh noise",
         "the article",
         {},
         StagesBuilder([](const Spec&, Training& training) {
             training.stages = {{{"discriminator", "generator"}}, {{"generator"}}};
         })});
    catalogue.add(
        {"schedule",
         "alternating",
         "discriminator steps, then one generator step, fresh noise each",
         "Goodfellow et al. 2014, algorithm 1",
         {{"discriminator_steps",
           "for each step of the generator",
           whole_number(1, most_discriminator_steps),
           {{std::int64_t{1}}}}},
         StagesBuilder([](const Spec& spec, Training& training) {
             training.stages = {{{"discriminator"}, spec.whole("discriminator_steps")}, {{"generator"}}};
         })});
    catalogue.add({"schedule",
                   "simultaneous",
                   "one step of both networks from one forward pass, each by the other's old weights",
                   "Mescheder et al. 2017, algorithm 1; TensorFlow's DCGAN tutorial",
                   {},
                   StagesBuilder([](const Spec&, Training& training) {
                       training.stages = {{{"discriminator", "generator"}}};
                   })});
    catalogue.add(
        {"schedule",
         "adaptive",
         "alternating, with more discriminator steps once it tells too few of the generator's images",
         "Bie et al. 2023, section 4.2",
         {{"threshold", "the share it must tell, averaged over about 100 steps", share(), {{0.6}}},
          {"hold", "steps between two changes, at least", whole_number(1, most_held), {{std::int64_t{200}}}},
          {"most",
           "discriminator steps for one of the generator",
           whole_number(1, most_discriminator_steps),
           {{std::int64_t{500}}}}},
         StagesBuilder([](const Spec& spec, Training& training) {
             training.stages = {{{"discriminator"}}, {{"generator"}}};
             training.stages.front().rule = std::make_shared<AdaptiveSteps>(
                 AdaptiveStepsOptions{spec.number("threshold"), spec.whole("hold"), spec.whole("most")});
             for (Phase& phase : training.phases)
                 if (phase.name == "generator") phase.watched.push_back(AdaptiveSteps::fake_accuracy());
         })});
}

}  // namespace duet::models
