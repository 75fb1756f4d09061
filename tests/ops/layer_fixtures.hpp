#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>

#include "support.hpp"

namespace duet::testing {

/// What PyTorch computes for the layers, from make_layer_fixtures.py.
template <class T>
const SafetensorsOf<T>& layer_fixtures() {
    static const auto file = read_safetensors_as<T>(DUET_SOURCE_DIR "/tests/fixtures/layers.safetensors");
    return file;
}

/// Checks the value of `build` of the fixture's inputs, its gradients with regard to them, and the gradients
/// of the sum of those gradients times the fixture's directions, with regard to inputs and seed.
template <class T>
void check_layer(const std::string& name, const Build& build) {
    const auto& file = layer_fixtures<T>();
    const auto& exact = layer_fixtures<double>();
    const auto numbered = [&](const char* what, std::size_t i) {
        return name + "/" + what + std::to_string(i);
    };
    Graph graph;
    std::vector<FeedOf<T>> feeds;
    const auto input = [&](const std::string& entry) {
        const ArrayOf<T>* value = file.find(entry);
        REQUIRE_MESSAGE(value, entry);
        const Tensor tensor = graph.input(entry, shape_of(*value));
        feeds.push_back({tensor, *value});
        return tensor;
    };
    std::vector<Tensor> inputs, directions;
    for (std::size_t i = 0; file.find(numbered("input", i)); ++i) {
        inputs.push_back(input(numbered("input", i)));
        directions.push_back(input(numbered("direction", i)));
    }
    REQUIRE_FALSE(inputs.empty());
    const Tensor seed = input(name + "/seed");
    GradientTape tape(graph);
    std::vector<Tensor> fetches{build(inputs)};
    std::vector<std::string> entries{name + "/output"};
    Tensor along;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Tensor gradient = tape.gradient(fetches.front(), inputs[i], seed);
        fetches.push_back(gradient);
        entries.push_back(numbered("gradient", i));
        const Tensor term = sum(gradient * directions[i]);
        along = i == 0 ? term : along + term;
    }
    for (std::size_t i = 0; i <= inputs.size(); ++i) {
        const std::string entry = i < inputs.size() ? numbered("second", i) : name + "/second_seed";
        const Tensor target = i < inputs.size() ? inputs[i] : seed;
        if (!exact.find(entry)) continue;
        if (!has_gradient_path(along, target)) {
            for (const double element : values_of(*exact.find(entry))) CHECK_MESSAGE(element == 0, entry);
            continue;
        }
        fetches.push_back(tape.gradient(along, target));
        entries.push_back(entry);
    }
    auto program = compile<T>(graph, fetches);
    const auto results = program.run(feeds);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const double error = distance(results[i], values_of(*exact.find(entries[i])));
        CHECK_MESSAGE(error < (sizeof(T) == 4 ? 1e-5 : 1e-10), entries[i] << ": " << error);
        CHECK_MESSAGE(shape_of(results[i]) == shape_of(*exact.find(entries[i])), entries[i]);
    }
}

}  // namespace duet::testing
