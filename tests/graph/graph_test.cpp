#include <doctest/doctest.h>

#include <string>

#include <duet/duet.hpp>

#include "support.hpp"

using namespace duet;
using duet::testing::message_of;

namespace {

/// What an exception says, or "" if none was thrown.
std::string line(unsigned number) {
    return "graph_test.cpp:" + std::to_string(number);
}

}  // namespace

TEST_CASE("a shape error names the op, the rule, the arguments with their lines, and the caller's line") {
    Graph graph;
    const Tensor left = graph.input("left", {128, 100});
    const unsigned declared = __LINE__ - 1;
    const Tensor right = graph.input("right", {64, 10});
    unsigned called = 0;
    const std::string message = message_of([&] {
        called = __LINE__ + 1;
        matmul(left, right);
    });
    CAPTURE(message);
    CHECK(message.find(line(called) + ": matmul: ") == 0);
    CHECK(message.find("inner") != std::string::npos);
    CHECK(message.find("left (128, 100), declared at " + line(declared)) != std::string::npos);
    CHECK(message.find("right (64, 10), declared at " + line(declared + 2)) != std::string::npos);
}

TEST_CASE("operators name the line of the expression") {
    Graph graph;
    const Tensor x = graph.input("x", {2});
    const Tensor y = 2.0 * x + 1.0;
    CHECK(graph.node(y.id()).where.line == __LINE__ - 1);
}

TEST_CASE("a layer's nodes carry the line of the layer's caller") {
    Graph graph;
    const auto network = models::mlp("net", {3, 4, 2}, relu, linear, 0);
    const Tensor x = graph.input("x", {5, 3});
    const NodeId first = graph.size();
    network(x);
    const unsigned called = __LINE__ - 1;
    CHECK(graph.size() > first);
    for (NodeId id = first; id < graph.size(); ++id) CHECK(graph.node(id).where.line == called);
}

TEST_CASE("tensors of two graphs do not mix") {
    Graph one, other;
    const Tensor a = one.input("a", {2}), b = other.input("b", {2});
    const std::string message = message_of([&] { add(a, b); });
    CHECK(message.find("different graphs") != std::string::npos);
    const unsigned declared = __LINE__ - 3;
    for (const char* name : {"a (2), declared at ", "b (2), declared at "})
        CHECK(message.find(name + line(declared)) != std::string::npos);
    CHECK(message_of([&] { add(a, Tensor()); }).find("empty Tensor") != std::string::npos);
    CHECK(message_of([&] { add(1.0, 2.0); }).find("must be a tensor") != std::string::npos);
}

TEST_CASE("a graph holds one read node a variable and one input a name") {
    Graph graph;
    const Variable variable("v", Shape{2}, 1.0f);
    CHECK(graph.read(variable) == graph.read(variable));
    graph.input("x", {2});
    CHECK_THROWS_AS(graph.input("x", {3}), Error);
}

TEST_CASE("a graph can be moved, and its tensors, tapes and programs with it") {
    const auto declare = [] {
        Graph graph(5);
        graph.input("x", {2});
        return graph;
    };
    Graph graph = declare();
    const Variable v("v", Array{2.0F, 3.0F});
    const Tensor x(graph, 0);
    GradientTape tape(graph);
    const Tensor loss = sum(square(graph.read(v) * x));
    auto program = compile<float>(graph, {loss});
    Graph moved = std::move(graph);
    CHECK(&x.graph() == &moved);
    CHECK(&loss.graph() == &moved);
    CHECK(program.run({{x, Array{1.0F, 1.0F}}})[0]() == 13.0F);
    const Tensor gradient = tape.gradient(loss, {v}).front().gradient;
    CHECK(compile<float>(moved, {gradient + x}).report().instructions > 0);
    Graph other;
    other = std::move(moved);
    CHECK(&gradient.graph() == &other);
    auto again = compile<float>(other, {gradient});
    CHECK(again.run({{x, Array{1.0F, 2.0F}}})[0] == Array{4.0F, 24.0F});
    other = Graph();
    CHECK(program.run({{x, Array{1.0F, 1.0F}}})[0]() == 13.0F);
}
