#include <doctest/doctest.h>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;
using models::MovingAverage;

namespace {

/// A program whose runs take 1 from the weight, and average it.
Program<float> descent(Graph& graph, const Variable& weight, const MovingAverage& average) {
    Sgd sgd("sgd", {1.0});
    const Updates updates = sgd.apply({{weight, graph.constant(1.0)}});
    return compile<float>(graph, {}, {average.rule()(graph, updates)});
}

}  // namespace

TEST_CASE("averages start as what the variables are when first read, and given ones as they are") {
    const Variable weight("weight", Shape{}, 1.0F);
    const Variable given("mine", Shape{}, -5.0F);
    const MovingAverage average({weight}, {given}, 0.75), own({weight}, 0.75);
    CHECK(average.averages()[0] == given);
    CHECK(own.averages()[0].name() == "average.weight");
    weight.fill(4.0F);
    CHECK(*given.data() == -5.0F);
    Graph graph;
    Program<float> program = descent(graph, weight, own);
    program.run({});
    CHECK(*weight.data() == 3.0F);
    CHECK(*own.averages()[0].data() == 3.75F);
}

TEST_CASE("a decay that is a variable changes between the steps") {
    const Variable weight("weight", Shape{}, 1.0F), decay("decay", Shape{}, 0.0F);
    const MovingAverage average({weight}, decay);
    Graph graph;
    Program<float> program = descent(graph, weight, average);
    program.run({});
    CHECK(*average.averages()[0].data() == 0.0F);
    decay.fill(0.75F);
    program.run({});
    CHECK(*average.averages()[0].data() == -0.25F);
    decay.fill(1.0F);
    program.run({});
    CHECK(*average.averages()[0].data() == -0.25F);
    CHECK(*weight.data() == -2.0F);
}

TEST_CASE("running statistics are averaged where the program moves them") {
    models::Network net("net");
    net.add_dense(2, 3, {}, 1);
    net.add_batch_norm({3}, 1);
    const std::vector<Variable> statistics = net.statistics();
    std::vector<Variable> all = net.variables();
    all.insert(all.end(), statistics.begin(), statistics.end());
    const MovingAverage average(all, 0.75);
    const Variable other("other", Shape{}, 1.0F);
    Graph graph;
    const GradientTape tape(graph);
    const Tensor x = random_normal(graph, "x", {4, 2});
    const Tensor loss = mean(square(net(x))) + sum(square(net(x + 1.0))) + graph.read(other);
    Sgd sgd("sgd", {0.1});
    Program<float> moving =
        compile<float>(graph, {}, {average.rule()(graph, sgd.apply(tape.gradient(loss, net.variables())))});
    const Updates apart = average.rule()(graph, sgd.apply(tape.gradient(loss, {other})));
    CHECK(apart.size() == 1);
    for (std::uint64_t step = 0; step < 3; ++step) {
        std::vector<Array> before;
        for (const Variable& each : average.averages()) before.push_back(each.value());
        moving.run({}, step);
        for (std::size_t i = 0; i < all.size(); ++i) {
            CAPTURE(all[i].name());
            const Array expected = 0.75F * before[i] + 0.25F * all[i].value();
            CHECK(relative_error(average.averages()[i].value(), expected) < 1e-6);
        }
    }
    CHECK(statistics[0].value() != average.averages()[net.variables().size()].value());
}

TEST_CASE("averages that do not fit their variables are refused") {
    const Variable weight("weight", Shape{2}, 1.0F), scalar("scalar", Shape{}, 0.5F);
    const auto message = [](auto&&... given) {
        try {
            MovingAverage(given...);
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("nothing was thrown");
    };
    using Variables = std::vector<Variable>;
    CHECK(message(Variables{weight}, 1.5) == "moving average: a decay of 1.5; it is from 0 to 1");
    CHECK(message(Variables{weight}, weight) ==
          "moving average: the decay weight has shape (2), but it is a scalar");
    CHECK(message(Variables{weight}, Variables{}, 0.5) ==
          "moving average: 0 averages of 1 variables; give each variable one");
    CHECK(message(Variables{weight}, Variables{scalar}, 0.5) ==
          "moving average: scalar has shape (), but averages weight, of shape (2)");
}
