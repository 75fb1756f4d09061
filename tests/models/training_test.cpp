#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <map>
#include <set>

#include <duet/models/training/stage.hpp>

#include "../allocations.hpp"
#include "pair.hpp"
#include "small_training.hpp"

using namespace duet;
using namespace duet::testing;
using models::Phase;
using models::Record;
using models::Stage;
using models::Term;
using models::Trainer;
using models::Training;
using models::View;

TEST_CASE("a training goes on from a saved state to the bits of one that was never interrupted") {
    const auto training = [] { return pair({discriminator_loss(), r1_term()}, generator_loss()); };
    const std::vector<Array> whole = trained(training(), 7);
    Trainer first(training(), pictures()), second(training(), pictures(), {.threads = 2});
    for (int i = 0; i < 3; ++i) first.step();
    second.state().restore(first.state().save());
    for (int i = 3; i < 7; ++i) second.step();
    CHECK(second.state().at.step == 7);
    CHECK(all_same_bits(whole, values_of(second.state().variables())));

    const Safetensors good = first.state().save();
    const std::vector<Array> before = values_of(second.state().variables());
    const auto refused = [&](const std::function<void(Safetensors&)>& change, const std::string& part) {
        Safetensors broken = good;
        change(broken);
        const std::string message = message_of([&] { second.state().restore(broken); });
        CAPTURE(part);
        CHECK(message.find(part) != std::string::npos);
        CHECK(all_same_bits(before, values_of(second.state().variables())));
        CHECK(second.state().at.step == 7);
    };
    refused([](Safetensors& state) { state.metadata.erase("next_draw"); }, "next_draw");
    refused([](Safetensors& state) { state.metadata["step"] = "-1"; }, "step");
    refused([](Safetensors& state) { state.tensors.pop_back(); }, "without variable");
    refused([](Safetensors& state) { state.tensors.push_back({"more", Array{1.0F}}); }, "more");
    refused([](Safetensors& state) { state.tensors[0].value.data()[0] = NAN; }, "not finite");
    refused([](Safetensors& state) { state.tensors[0].value = Array{1.0F}; }, "shape");
    CHECK(message_of([&] {
              first.state().keep({Variable("generator.0.weight", Shape{1}, 0.0F)});
          }).find("generator.0.weight") != std::string::npos);
}

TEST_CASE("a record has each metric once: of its first stage, the last run") {
    Training training = pair({discriminator_loss(), r1_term()}, generator_loss());
    training.phases[1].watched = {{"real_mean", [](View& view) { return view.real_score(); }}};
    training.stages = {{{"discriminator", "generator"}}, {{"generator"}}};
    Trainer joint(training, pictures());
    const Record record = joint.step();
    CHECK(record.step == 1);
    CHECK(
        std::vector<std::string>(record.names.begin(), record.names.end()) ==
        std::vector<std::string>{"discriminator_loss", "real_or_fake", "r1", "real_mean", "generator_loss"});
    CHECK(record["discriminator_loss"] == doctest::Approx(record["real_or_fake"] + record["r1"]));
    CHECK(record.has("r1"));
    CHECK_FALSE(record.has("r2"));
    CHECK(message_of([&] { record["r2"]; }).find("there are discriminator_loss") != std::string::npos);
    CHECK(joint.images_per_step() == batch);
    CHECK(joint.steps_for_epochs(2) == 10);

    // The generator's loss of the joint stage is that of the networks as they were.
    const auto fresh = [] { return pair({discriminator_loss()}, generator_loss()); };
    Training alone = fresh();
    alone.stages = {{{"generator"}}};
    Training both = fresh();
    both.stages = {{{"discriminator", "generator"}}, {{"generator"}}};
    CHECK(first_step(alone)["generator_loss"] == first_step(both)["generator_loss"]);
}

TEST_CASE("a generator's phase that compares pairs sees real images, and trains") {
    const Training training = pair({pairs(false)}, pairs(true));
    const std::vector<Array> before = values_of(training.networks[0].variables());
    Trainer trainer(training, pictures());
    CHECK(trainer.images_per_step() == 2 * batch);
    CHECK(trainer.step()["generator_loss"] != doctest::Approx(std::log(2.0)).epsilon(1e-6));
    CHECK(trainer.state().at.batch == 2);
    const std::vector<Array> after = values_of(training.networks[0].variables());
    for (std::size_t i = 0; i < before.size(); ++i) CHECK_FALSE(same_bits(before[i], after[i]));
    CHECK(Trainer(pair({discriminator_loss()}, generator_loss()), pictures()).images_per_step() == batch);
}

TEST_CASE("what terms ask for is declared in one order, whichever asks first") {
    const auto named_nodes = [](const Term& term) {
        Graph graph;
        const Training training = pair({term}, generator_loss());
        models::declare_stage(graph, training, training.stages[0], {}, {});
        std::vector<std::string> names;
        for (NodeId id = 0; id < graph.size(); ++id)
            for (const char* known : {"real", "noise", "fake", "real_score", "fake_score"})
                if (graph.node(id).name == known) names.emplace_back(known);
        return names;
    };
    const std::vector<std::string> wanted{"real", "noise", "fake", "real_score", "fake_score"};
    CHECK(named_nodes({"a", [](View& view) { return mean(view.fake_score()) - mean(view.real_score()); }}) ==
          wanted);
    CHECK(named_nodes({"b", [](View& view) {
                           const Tensor real = mean(view.real_score());
                           return mean(view.fake_score()) - real;
                       }}) == wanted);
}

TEST_CASE("any number of penalties, weighed, scheduled and in intervals") {
    Training both = pair({discriminator_loss(), r1_term(3), r2_term()}, generator_loss());
    std::map<std::string, double> with_both = first_step(both);
    CHECK(with_both["discriminator_loss"] ==
          doctest::Approx(with_both["real_or_fake"] + with_both["r1"] + with_both["r2"]));
    const double r1_once = first_step(pair({discriminator_loss(), r1_term()}, generator_loss()))["r1"];
    CHECK(first_step(pair({discriminator_loss(), r1_term(3)}, generator_loss()))["r1"] ==
          doctest::Approx(3 * r1_once));

    // A schedule of one weight trains as that weight does.
    Term scheduled = r1_term();
    scheduled.schedule = constant_rate(3.0);
    const std::vector<Array> constant =
                                 trained(pair({discriminator_loss(), r1_term(3)}, generator_loss()), 3),
                             by_schedule =
                                 trained(pair({discriminator_loss(), scheduled}, generator_loss()), 3);
    for (std::size_t i = 0; i < constant.size(); ++i)
        CHECK(relative_error(by_schedule[i], constant[i]) < 1e-6);

    Term falling = r1_term(), every_third = r1_term();
    falling.schedule = step_decay(4.0, 1, 0.5);
    every_third.name = "lazy_r1";
    every_third.every = 3;
    Trainer trainer(pair({discriminator_loss(), falling, every_third}, generator_loss()), pictures());
    CHECK(trainer.programs().size() == 3);
    std::vector<double> lazy, weight;
    for (int step = 0; step < 4; ++step) {
        const Record record = trainer.step();
        lazy.push_back(record["lazy_r1"]);
        const double parts = record["real_or_fake"] + record["r1"] + (step % 3 == 0 ? lazy.back() : 0.0);
        CHECK(record["discriminator_loss"] == doctest::Approx(parts));
        for (const Variable& variable : trainer.state().variables())
            if (variable.name() == "discriminator.r1.weight") weight.push_back(variable.value()());
    }
    CHECK(weight == std::vector<double>{4, 2, 1, 0.5});
    CHECK(lazy[1] == lazy[0]);
    CHECK(lazy[2] == lazy[0]);
    CHECK(lazy[3] != lazy[0]);
    const std::uint64_t before = allocations();
    for (int step = 0; step < 3; ++step) trainer.step();
    CHECK(allocations() == before);
}

TEST_CASE("rates follow their schedule, and each network its own optimizer") {
    Training training = pair({discriminator_loss()}, generator_loss());
    const auto sgd = std::make_shared<Sgd>("slow", SgdOptions{1e-3});
    training.phases[1].optimizer = sgd;
    training.phases[1].rate = step_decay(8e-3, 1, 0.5);
    Trainer trainer(training, pictures());
    for (const double rate : {8e-3, 4e-3, 2e-3}) {
        trainer.step();
        CHECK(sgd->rate() == doctest::Approx(rate));
    }
}

TEST_CASE("phases that share an optimizer have each their own rate, whichever stage runs last") {
    const auto moved_at = [](double first, double second) {
        Training training = pair({discriminator_loss()}, generator_loss());
        Phase again = training.phases[0];
        again.name = "again";
        training.phases[0].optimizer = again.optimizer = std::make_shared<Sgd>("shared", SgdOptions{1});
        training.phases[0].rate = constant_rate(first);
        again.rate = constant_rate(second);
        training.phases.push_back(again);
        training.stages = {{{"generator"}}, {{"again"}}};
        const Variable weight = training.networks[0].variables().front();
        const Array before = weight.value();
        Trainer trainer(training, pictures());
        trainer.step();
        return relative_error(weight.value(), before);
    };
    const double none = 1e-30;
    CHECK(moved_at(none, none) < 1e-12);
    CHECK(moved_at(0.1, none) > 1e-6);
    CHECK(moved_at(none, 0.1) > 1e-6);
}

TEST_CASE("a stage takes its batch where a term in intervals alone reads it") {
    Term shown{"shown", [](View& view) { return mean(view.real()) + 0.0 * mean(view.fake()); }};
    const auto shown_by = [&](std::size_t every) {
        shown.every = every;
        Training training = pair({discriminator_loss()}, generator_loss());
        training.phases[0].terms.push_back(shown);
        training.stages = {{{"generator"}}};
        Trainer trainer(training, pictures());
        std::vector<double> values;
        for (int step = 0; step < 3; ++step) values.push_back(trainer.step()["shown"]);
        CHECK(trainer.state().at.batch == 3);
        CHECK(trainer.images_per_step() == batch);
        return values;
    };
    const std::vector<double> always = shown_by(1), lazy = shown_by(2);
    CHECK(always[0] > 0.1);
    // A term of every second step counts twice as much in it, and keeps its value meanwhile.
    CHECK(lazy[0] == doctest::Approx(lazy[1]));
    CHECK(lazy[2] / lazy[0] == doctest::Approx(always[2] / always[0]));
}

TEST_CASE("a step that fails goes back to where the training was restored") {
    const Variable factor("factor", Shape{}, 1.0F);
    const auto training = [&] {
        Training result = pair({discriminator_loss()}, generator_loss());
        result.phases[0].terms.push_back(
            {"scaled", [factor](View& view) { return view.graph().read(factor) * mean(view.fake()); }});
        return result;
    };
    Trainer first(training(), pictures()), second(training(), pictures());
    for (int step = 0; step < 130; ++step) first.step();
    const Safetensors saved = first.state().save();
    for (int step = 0; step < 3; ++step) second.step();
    second.state().restore(saved);
    second.step();
    factor.fill(INFINITY);
    const std::string message = message_of([&] { second.step(); });
    CHECK(message.find("step 131") !=
          std::string::npos);  // replayed from 130, the factor is not finite there
    CHECK(second.state().at.step == 130);
    CHECK(all_same_bits(values_of(second.state().variables()), values_of(first.state().variables())));
}

TEST_CASE("a step whose later stage fails leaves nothing of the stages before it") {
    Training training = pair({discriminator_loss()}, generator_loss());
    training.phases[1].terms.push_back(
        {"labels", [](View& view) {
             const Tensor two = view.graph().constant(filled(Shape{1, 2}, 1.0F));
             return mean(softmax_cross_entropy(view.real_score() * two, view.labels()));
         }});
    training.stages = {{{"generator"}}, {{"discriminator"}}};
    auto data = std::make_shared<Dataset>(*pictures());
    data->labels.assign(data->count, 2);
    Trainer trainer(training, data);
    const std::vector<Array> before = values_of(trainer.state().variables());
    CHECK_THROWS_AS(trainer.step(), FeedError);
    CHECK(trainer.state().at.draw == 0);
    CHECK(all_same_bits(before, values_of(trainer.state().variables())));
    CHECK_THROWS_AS(Trainer(training, nullptr), Error);
}

TEST_CASE("a moving average follows what a step makes") {
    Training training = pair({discriminator_loss()}, generator_loss());
    const std::vector<Variable> weights = training.networks[0].variables();
    const models::MovingAverage average(weights, 0.75);
    training.phases[0].updates = {average.rule()};
    Trainer trainer(training, pictures());
    for (int step = 0; step < 3; ++step) {
        const std::vector<Array> before = values_of(average.averages());
        trainer.step();
        for (std::size_t i = 0; i < weights.size(); ++i) {
            const Array &value = weights[i].value(), &now = average.averages()[i].value();
            for (std::size_t k = 0; k < value.size(); ++k)
                CHECK(now.data()[k] ==
                      doctest::Approx(0.75F * before[i].data()[k] + 0.25F * value.data()[k]).epsilon(1e-5));
        }
    }
    CHECK(trainer.state().save().find("average.generator.0.weight") != nullptr);
    CHECK_THROWS_AS(models::MovingAverage(weights, 1.5), Error);
}

TEST_CASE("a gradient rule replaces the gradient, and transforms stand before every score") {
    const auto with_sgd = [](double rate) {
        Training training = pair({discriminator_loss()}, generator_loss());
        for (Phase& phase : training.phases)
            phase.optimizer = std::make_shared<Sgd>(phase.name + "_sgd", SgdOptions{rate});
        return training;
    };
    Training doubled = with_sgd(0.125);
    for (Phase& phase : doubled.phases)
        phase.gradient_rule = [](const GradientTape& tape, const Tensor& loss,
                                 const std::vector<Variable>& variables) {
            VariableGradients gradients = tape.gradient(loss, variables);
            for (VariableGradient& each : gradients) each.gradient = 2.0 * each.gradient;
            return gradients;
        };
    const auto weights = [](const Training& training) {
        trained(training, 3);
        return values_of(training.networks[0].variables());
    };
    CHECK(all_same_bits(weights(doubled), weights(with_sgd(0.25))));

    Training black = pair({discriminator_loss()}, generator_loss());
    std::set<std::string> scored;
    black.transforms = {[&](const Tensor& images, const std::string& name) {
        scored.insert(name);
        return images * 0.0;
    }};
    black.phases[1].watched = {
        {"apart", [](View& view) { return mean(view.real_score()) - mean(view.fake_score()); }},
        {"other", [](View& view) { return mean(view.score(view.real())) - mean(view.real_score()); }}};
    std::map<std::string, double> record = first_step(black);
    CHECK(record["apart"] == 0.0);
    CHECK(record["other"] == 0.0);
    CHECK(scored == std::set<std::string>{"fake", "points", "real"});
}

TEST_CASE("a training in float64 is the one in float32 but for rounding") {
    const auto training = [] {
        Training training = pair({discriminator_loss(), r1_term()}, generator_loss());
        for (Phase& phase : training.phases)
            phase.optimizer = std::make_shared<Sgd>(phase.name + "_sgd", SgdOptions{0.1, 0.5});
        training.phases[1].watched = {{"label", [](View& view) { return view.labels(); }}};
        return training;
    };
    Trainer single(training(), pictures()),
        exact(training(), pictures(), {.threads = 2, .precision = models::Precision::float64});
    for (int step = 0; step < 5; ++step) {
        const Record wanted = single.step(), found = exact.step();
        CHECK(found["label"] == wanted["label"]);
        CHECK(found["discriminator_loss"] == doctest::Approx(wanted["discriminator_loss"]).epsilon(1e-5));
        CHECK(found["discriminator_loss"] != wanted["discriminator_loss"]);
    }
    const auto& variables = exact.state().variables();
    bool rounded = true;
    for (std::size_t i = 0; i < variables.size(); ++i) {
        CHECK(relative_error(variables[i].value<double>(), single.state().variables()[i].value()) < 1e-4);
        rounded = rounded && relative_error(variables[i].value(), variables[i].value<double>()) == 0;
    }
    CHECK_FALSE(rounded);
    CHECK(exact.programs()[0].second->report().instructions > 0);
    const std::uint64_t before = allocations();
    exact.step();
    CHECK(allocations() == before);
}

TEST_CASE("trainings that cannot be are refused, saying what") {
    const auto refused = [](const std::function<void(Training&)>& change, const std::string& part) {
        Training training = pair({discriminator_loss()}, generator_loss());
        change(training);
        const std::string message = message_of([&] { Trainer(training, pictures()); });
        CAPTURE(message);
        CAPTURE(part);
        CHECK(message.find(part) != std::string::npos);
    };
    refused([](Training& t) { t.stages.clear(); }, "no stage");
    refused([](Training& t) { t.stages[0].phases.clear(); }, "a stage without phases");
    refused([](Training& t) { t.stages[0].phases = {"critic"}; }, "no phase \"critic\"; it has generator");
    refused([](Training& t) { t.stages[0].repeats = 0; }, "repeats 0 times");
    refused([](Training& t) { t.packing = 3; }, "packs of 3 do not divide a batch of 8 images");
    refused(
        [](Training& t) {
            t.phases[0].trains.push_back("discriminator");
            t.phases[0].optimizer = t.phases[1].optimizer;
            t.stages = {{{"discriminator", "generator"}}};
        },
        "both train the network \"discriminator\"");
    refused(
        [](Training& t) {
            t.phases[1].terms.push_back(
                {"still", [](View& view) { return mean(stop_gradient(view.real_score())); }});
        },
        "no path leads from a parameter of discriminator to the term \"still\"");
    refused([](Training& t) { t.phases[0].trains = {"decoder"}; }, "no network \"decoder\"");
    refused([](Training& t) { t.phases[0].terms.clear(); }, "no term");
    refused([](Training& t) { t.phases[0].optimizer.reset(); }, "no optimizer");
    refused([](Training& t) { t.phases[0].terms[0].every = 0; }, "every 0 steps");
    refused([](Training& t) { t.phases[0].terms[0].every = 2; }, "no term counts in every step");
    refused([](Training& t) { t.phases[0].terms[0].weight = NAN; }, "weight nan");
    refused([](Training& t) { t.phases[0].terms[0].value = nullptr; }, "needs a name and a value");
    refused([](Training& t) { t.phases[1].name = "generator"; }, "two phases are called \"generator\"");
    refused([](Training& t) { t.phases[1].terms.push_back(discriminator_loss()); }, "\"real_or_fake\"");
    refused([](Training& t) { t.networks[1] = models::Network("generator"); }, "two networks");
    refused([](Training& t) { t.batch = 0; }, "batch");
    refused([](Training& t) { t.latent = 0; }, "latent");
    refused([](Training& t) { t.images.width = 5; }, "4x5");
    refused([](Training& t) { t.generator = "decoder"; }, "no network \"decoder\"");
    refused([](Training& t) { t.phases[0].trains = {"generator", "discriminator"}; }, "two optimizers");
    refused([](Training& t) { t.phases[0].terms[0].value = [](View&) { return Tensor(); }; },
            "no or another");
    refused([](Training& t) { t.phases[0].terms[0].value = [](View& view) { return view.fake(); }; },
            "expected a scalar");
    refused([](Training& t) { t.phases[1].terms[0].value = [](View& view) { return view.labels() - 1.0; }; },
            "no path");
    refused(
        [](Training& t) {
            for (const std::size_t every : {2, 3, 5}) {
                t.phases[1].terms.push_back(r1_term());
                t.phases[1].terms.back().name += std::to_string(every);
                t.phases[1].terms.back().every = every;
            }
        },
        "intervals 2, 3, 5");
}

TEST_CASE("a discriminator judges packs of consecutive images side by side") {
    Training packed = pair({discriminator_loss(), r1_term()}, generator_loss());
    packed.packing = 2;
    packed.networks[1] = models::mlp("discriminator", {32, 8, 1}, relu, linear, 1);
    Graph graph;
    View view(graph, packed);
    CHECK(view.real_score().shape() == Shape{batch / 2, 1});
    const Tensor images = view.real();
    auto program =
        compile<float>(graph, {view.real_score(), packed.networks[1](reshape(images, {batch / 2, 32}))});
    Array values = filled(images.shape(), 0.0F);
    for (std::size_t i = 0; i < values.size(); ++i) values.data()[i] = static_cast<float>(i % 23) / 23;
    program.run({{images, values}}, 0);
    CHECK(same_bits(program[0], program[1]));
}

TEST_CASE("a number on a schedule is set before each step, and kept with the state") {
    const auto scheduled = [] {
        Training training = pair({discriminator_loss()}, generator_loss());
        const Variable share("share", Shape{}, 0.0F);
        training.scheduled = {{share, [](std::uint64_t step) { return 0.5 * static_cast<double>(step); }}};
        training.phases[1].watched = {{"share", [=](View& view) { return view.graph().read(share); }}};
        return training;
    };
    Trainer trainer(scheduled(), pictures());
    for (const double expected : {0.0, 0.5, 1.0}) CHECK(trainer.step()["share"] == expected);
    CHECK(trainer.state().save().find("share") != nullptr);
}
