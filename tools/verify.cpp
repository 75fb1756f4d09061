#include "verify.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

namespace duet::tools {

namespace {

constexpr double most_distance = 1e-6;

bool same_bits(const Array& a, const Array& b) {
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

double distance(const Array& a, const Array& b) {
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double expected = b.data()[i];
        difference += std::pow(a.data()[i] - expected, 2);
        norm += expected * expected;
    }
    return difference == 0 ? 0 : std::sqrt(difference / norm);
}

void copy(const std::vector<Variable>& from, const std::vector<Variable>& to) {
    for (std::size_t i = 0; i < from.size(); ++i) to[i].assign(from[i].value());
}

}  // namespace

Verification verify(const MakeTrainer& make_trainer, std::uint64_t steps) {
    const auto compiled = make_trainer(true, true), unfused = make_trainer(false, true),
               plain = make_trainer(false, false);
    const std::vector<Variable> variables = compiled->variables();
    std::vector<bool> same(variables.size(), true);
    std::vector<double> moved(variables.size(), 0.0);
    for (std::uint64_t step = 0; step < steps; ++step) {
        copy(variables, unfused->variables());
        copy(variables, plain->variables());
        for (models::GanTrainer* trainer : {compiled.get(), unfused.get(), plain.get()}) trainer->step();
        for (std::size_t i = 0; i < variables.size(); ++i) {
            const Array& value = variables[i].value();
            same[i] = same[i] && same_bits(value, unfused->variables()[i].value());
            moved[i] = std::max(moved[i], distance(value, plain->variables()[i].value()));
        }
    }
    Verification result{fmt::format("{:<60} {:>12} {:>14}\n", "variable", "fused", "rewritten"), true};
    for (std::size_t i = 0; i < variables.size(); ++i) {
        result.text += fmt::format("{:<60} {:>12} {:>14.1e}\n", variables[i].name(),
                                   same[i] ? "same bits" : "DIFFERS", moved[i]);
        result.passed = result.passed && same[i] && moved[i] <= most_distance;
    }
    return result;
}

}  // namespace duet::tools
