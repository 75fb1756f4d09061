#include <duet/models/networks/initializer.hpp>

#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/parameter_rules.hpp>
#include <duet/ops/random.hpp>

namespace duet::models {

namespace {

Tensor draw(Graph& graph, const std::string& name, const Shape& shape, const Initializer& initializer) {
    const auto elements = static_cast<double>(shape.elements());
    const double inputs = shape.rank() < 1 ? 1.0 : elements / static_cast<double>(shape[0]);
    const double outputs = shape.rank() < 2 ? 1.0 : elements / static_cast<double>(shape[1]);
    switch (initializer.kind) {
        case Initializer::Kind::glorot_uniform: {
            const double limit = initializer.gain * std::sqrt(6.0 / (inputs + outputs));
            return limit * (2.0 * random_uniform(graph, name, shape) - 1.0);
        }
        case Initializer::Kind::he_normal:
            return std::sqrt(2.0 / inputs) * random_normal(graph, name, shape);
        case Initializer::Kind::normal:
            return initializer.mean + initializer.deviation * random_normal(graph, name, shape);
    }
    return {};
}

}  // namespace

Variable initialized(std::string name, const Shape& shape, const Initializer& initializer, std::uint64_t seed,
                     Where where) {
    const std::string what = fmt::format("initialized \"{}\"", name);
    expect_finite(what, "mean", initializer.mean, where);
    expect_not_negative(what, "deviation", initializer.deviation, where);
    expect_not_negative(what, "gain", initializer.gain, where);
    const auto drawn = [name, shape, initializer, seed] {
        Graph graph(seed);
        auto program = compile<float>(graph, {draw(graph, name, shape, initializer)});
        return Array(program.run({}, 0).front());
    };
    if (name.empty())
        throw Error(fmt::format("{}: initialized: a variable needs a name: its value depends on it",
                                to_string(where)));
    return Variable(std::move(name), shape, drawn);
}

Variable constant_variable(std::string name, const Shape& shape, float value) {
    return Variable(std::move(name), shape, [=] { return filled(shape, value); });
}

Shape checked_shape(const std::string& name, std::vector<std::size_t> extents, Where where) {
    try {
        return Shape(std::move(extents));
    } catch (const ShapeError& rule) {
        throw ShapeError(fmt::format("{}: {}: {}", to_string(where), name, rule.what()));
    }
}

}  // namespace duet::models
