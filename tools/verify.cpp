#include "verify.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

namespace duet::tools {

namespace {

/// Of a value, and of what a step changes it by: Adam divides by the roots of small gradients.
constexpr double most_distance = 1e-6, most_of_step = 1e-3;
/// Of the largest gradient of its optimizer: what is smaller is the rounding of a gradient that is zero.
constexpr double zero_gradient = 1e-6;

bool same_bits(const Array& a, const Array& b) {
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

double norm(const Array& values) {
    double sum = 0;
    for (const float value : values) sum += std::pow(value, 2);
    return std::sqrt(sum);
}

double distance(const Array& a, const Array& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += std::pow(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]), 2);
    return std::sqrt(sum);
}

void copy(const std::vector<Variable>& from, const std::vector<Variable>& to) {
    for (std::size_t i = 0; i < from.size(); ++i) to[i].assign(from[i].value());
}

/// Adam's mean gradient of each variable, as a part of the largest of its optimizer; one where there is none,
/// as for the optimizers' own variables, except slots, which have their variable's.
std::vector<double> gradient_parts(const std::vector<Variable>& variables) {
    constexpr std::string_view mean = "_adam.mean.", square = "_adam.square.";
    std::map<std::string, double> size, largest;
    for (const Variable& variable : variables) {
        const std::size_t at = variable.name().find(mean);
        if (at == std::string::npos) continue;
        const std::string optimizer = variable.name().substr(0, at);
        const double elements = static_cast<double>(variable.shape().elements());
        const double gradient = norm(variable.value()) / std::sqrt(elements);
        size[variable.name().substr(at + mean.size())] = gradient;
        largest[optimizer] = std::max(largest[optimizer], gradient);
    }
    std::vector<double> parts;
    for (const Variable& variable : variables) {
        std::string trained = variable.name();
        for (const std::string_view slot : {mean, square})
            if (const std::size_t at = trained.find(slot); at != std::string::npos)
                trained.erase(0, at + slot.size());
        const auto gradient = size.find(trained);
        const std::string network = trained.substr(0, trained.find('.'));
        parts.push_back(gradient == size.end() ? 1.0 : gradient->second / largest[network]);
    }
    return parts;
}

}  // namespace

Verification verify(const MakeTrainer& make_trainer, std::uint64_t steps) {
    models::Trainer compiled = make_trainer(true, true), unfused = make_trainer(false, true),
                    plain = make_trainer(false, false);
    const std::vector<Variable> variables = compiled.state().variables();
    std::vector<bool> same(variables.size(), true), near(variables.size(), true);
    std::vector<double> moved(variables.size(), 0.0), parts;
    for (std::uint64_t step = 0; step < steps; ++step) {
        copy(variables, unfused.state().variables());
        copy(variables, plain.state().variables());
        std::vector<Array> before;
        for (const Variable& variable : variables) before.push_back(variable.value());
        for (models::Trainer* trainer : {&compiled, &unfused, &plain}) trainer->step();
        parts = gradient_parts(variables);
        for (std::size_t i = 0; i < variables.size(); ++i) {
            const Array &value = variables[i].value(), &expected = plain.state().variables()[i].value();
            same[i] = same[i] && same_bits(value, unfused.state().variables()[i].value());
            const double apart = distance(value, expected);
            if (apart == 0 || parts[i] <= zero_gradient) continue;
            near[i] = near[i] &&
                      apart <= most_distance * norm(expected) + most_of_step * distance(expected, before[i]);
            moved[i] = std::max(moved[i], apart / norm(expected));
        }
    }
    Verification result{fmt::format("{:<60} {:>12} {:>14}\n", "variable", "fused", "rewritten"), true};
    for (std::size_t i = 0; i < variables.size(); ++i) {
        const std::string rewritten = parts[i] > zero_gradient
                                          ? fmt::format("{}{:.1e}", near[i] ? "" : "DIFFERS ", moved[i])
                                          : "no gradient";
        result.text += fmt::format("{:<60} {:>12} {:>14}\n", variables[i].name(),
                                   same[i] ? "same bits" : "DIFFERS", rewritten);
        result.passed = result.passed && same[i] && near[i];
    }
    return result;
}

}  // namespace duet::tools
