#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

constexpr std::uint64_t steps = 200;

/// A way to train the network of regression.safetensors; the default is Adam(1e-2, 0.9, 0.999).
struct Trial {
    std::shared_ptr<Optimizer> optimizer = std::make_shared<Adam>("optimizer", AdamOptions{1e-2});
    std::function<void(std::uint64_t step)> before = [](std::uint64_t) {};
    models::GradientRule gradient_rule = {};
    models::UpdateRule update_rule = {};
};

struct Regression {
    SafetensorsOf<double> exact =
        read_safetensors_as<double>(DUET_SOURCE_DIR "/tests/fixtures/regression.safetensors");
    models::Network net = models::mlp("net", {3, 6, 1}, tanh, linear, 0);

    Regression() {
        for (const Variable& variable : net.variables())
            variable.assign(converted<float>(*exact.find("initial/" + name_of(variable))));
    }

    static std::string name_of(const Variable& variable) { return variable.name().substr(4); }

    /// Trains, and compares what `compared` are, one a variable of the network, with what PyTorch found.
    void check(const std::string& rule, const Trial& trial, const std::vector<Variable>& compared) const {
        Graph graph;
        const Tensor x = graph.constant(*exact.find("x")), y = graph.constant(*exact.find("y"));
        const GradientTape tape(graph);
        const Tensor loss = mean(square(net(x) - y));
        Updates updates =
            trial.optimizer->apply(trial.gradient_rule ? trial.gradient_rule(tape, loss, net.variables())
                                                       : tape.gradient(loss, net.variables()));
        if (trial.update_rule) updates = trial.update_rule(graph, updates);
        Program<double> program = compile<double>(graph, {loss}, {updates});
        for (std::uint64_t step = 0; step < steps; ++step) {
            trial.before(step);
            program.run({});
            for (std::size_t i = 0; i < compared.size(); ++i) {
                const std::string key =
                    fmt::format("{}/step{}/{}", rule, step + 1, name_of(net.variables()[i]));
                CAPTURE(key);
                if (const ArrayOf<double>* expected = exact.find(key))
                    CHECK(relative_error(program.value(compared[i]), *expected) < 1e-10);
                else
                    REQUIRE((step != 0 && step != 99 && step + 1 != steps));
            }
        }
    }
};

void check(const std::string& rule, const Trial& trial) {
    const Regression regression;
    regression.check(rule, trial, regression.net.variables());
}

/// The same with the rate of a schedule.
void check_rates(const std::string& rule, const RateSchedule& schedule) {
    Trial trial;
    trial.before = [&](std::uint64_t step) { trial.optimizer->set_rate(schedule(step)); };
    check(rule, trial);
}

}  // namespace

TEST_CASE("AdamW trains a regression as PyTorch's does") {
    AdamOptions options{1e-2};
    options.weight_decay = 0.1;
    check("adam_w", {std::make_shared<Adam>("optimizer", options)});
}

TEST_CASE("Adam with a beta2 that is changed between steps trains as PyTorch's does") {
    AdamOptions options{1e-2, 0.9, 0.9};
    options.scheduled_beta2 = true;
    Trial trial{std::make_shared<Adam>("optimizer", options)};
    REQUIRE(trial.optimizer->scheduled_options().size() == 1);
    const ScheduledOption beta2 = trial.optimizer->scheduled_options().front();
    CHECK(beta2.name == "beta2");
    CHECK(beta2.value.name() == "optimizer.beta2");
    CHECK(*beta2.value.data() == 0.9F);
    const RateSchedule schedule = cosine_decay(0.9, steps, 0.99);
    trial.before = [&](std::uint64_t step) {
        *beta2.value.data<double>() = schedule(step);
        beta2.value.written<double>();
    };
    check("beta2", trial);
}

TEST_CASE("a scheduled beta2 that stays is the constant one, in float32 too") {
    const auto trained = [](bool scheduled, float beta2) {
        AdamOptions options{1e-2, 0.5, static_cast<double>(beta2)};
        options.scheduled_beta2 = scheduled;
        Adam adam("adam", options);
        const Variable weight("weight", Shape{}, 1.0F);
        Graph graph;
        Program<float> program =
            compile<float>(graph, {}, {adam.apply({{weight, square(graph.read(weight))}})});
        for (int step = 0; step < 50; ++step) program.run({});
        return *weight.data();
    };
    for (const float beta2 : {0.0F, 0.9F, 0.999F, 0.99999F}) {
        CAPTURE(beta2);
        CHECK(trained(true, beta2) == doctest::Approx(trained(false, beta2)).epsilon(2e-6));
    }
}

TEST_CASE("rates that fall in a line or a cosine train as PyTorch's do") {
    check_rates("linear", linear_decay(1e-2, 150, 1e-3));
    check_rates("cosine", cosine_decay(1e-2, steps, 1e-4));
}

TEST_CASE("gradients clipped by their global norm train as PyTorch's do") {
    check("clipped", {std::make_shared<Sgd>("optimizer", SgdOptions{0.1, 0.9}), [](std::uint64_t) {},
                      models::clip_by_global_norm(0.2)});
}

TEST_CASE("a moving average is PyTorch's averaged model") {
    const Regression regression;
    const models::MovingAverage average(regression.net.variables(), 0.99);
    Trial trial;
    trial.update_rule = average.rule();
    regression.check("average", trial, average.averages());
}
