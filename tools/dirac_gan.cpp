#include "dirac_gan.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string_view>

#include <duet/autodiff/sgd.hpp>
#include <duet/ops/arithmetic.hpp>

namespace duet::tools {

namespace {

models::Network generator() {
    models::Network network("generator");
    const Variable theta("generator.theta", Shape{1, 1}, 0.0F);
    network.add([theta](const Tensor& latent,
                        const models::Call&) { return 0.0 * latent + latent.graph().read(theta); },
                {theta});
    return network;
}

models::Network discriminator() {
    models::Network network("discriminator");
    models::Initializer zero;
    zero.kind = models::Initializer::Kind::normal;
    zero.deviation = 0;
    network.add_dense(1, 1, zero, 0, false);
    return network;
}

models::Phase phase_of(const std::string& name, const models::Term& term, double rate) {
    models::Phase phase{name, {name}, {term}};
    phase.optimizer = std::make_shared<Sgd>(name + "_sgd", SgdOptions{rate});
    return phase;
}

std::vector<double> values_of(const std::vector<Variable>& variables) {
    std::vector<double> values;
    for (const Variable& variable : variables)
        values.insert(values.end(), variable.data<double>(),
                      variable.data<double>() + variable.shape().elements());
    return values;
}

void assign(const std::vector<Variable>& variables, const std::vector<double>& values) {
    const double* next = values.data();
    for (const Variable& variable : variables) {
        std::copy_n(next, variable.shape().elements(), variable.data<double>());
        variable.written<double>();
        next += variable.shape().elements();
    }
}

std::vector<Variable> parameters(const models::Trainer& trainer) {
    std::vector<Variable> all;
    for (const models::Network& network : trainer.training().networks)
        all.insert(all.end(), network.variables().begin(), network.variables().end());
    return all;
}

std::vector<Variable> changed(const models::Trainer& trainer) {
    std::vector<Variable> all = trainer.state().variables();
    std::erase_if(all, [](const Variable& variable) {
        const std::string_view name = variable.name();
        return name.ends_with(".rate") || name.ends_with(".rate_remainder");
    });
    return all;
}

}  // namespace

models::Training dirac_gan(const DiracLoss& loss, double rate) {
    models::Training training;
    training.networks = {generator(), discriminator()};
    training.images.height = training.images.width = 1;
    training.latent = 1;
    training.batch = 1;
    training.phases = {phase_of("generator", loss.terms.generator, rate),
                       phase_of("discriminator", loss.terms.discriminator, rate)};
    built<models::StagesBuilder>("schedule", {"simultaneous", {}, {}}, training);
    return training;
}

models::Trainer dirac_trainer(models::Training training) {
    auto zero = std::make_shared<Dataset>();
    zero->count = zero->height = zero->width = 1;
    zero->images = {0};
    models::TrainerOptions options;
    options.precision = models::Precision::float64;
    return {std::move(training), std::move(zero), options};
}

double contraction(models::Trainer& trainer, const std::function<void(models::Trainer&)>& update) {
    constexpr double difference = 1e-7;
    const std::vector<Variable> variables = changed(trainer);
    const std::vector<double> start = values_of(variables);
    const auto updated = [&](std::size_t moved, double by) {
        std::vector<double> from = start;
        from[moved] += by;
        assign(variables, from);
        update(trainer);
        return values_of(variables);
    };
    std::vector<double> jacobian(start.size() * start.size());
    for (std::size_t column = 0; column < start.size(); ++column) {
        const std::vector<double> above = updated(column, difference), below = updated(column, -difference);
        for (std::size_t row = 0; row < start.size(); ++row)
            jacobian[row * start.size() + column] = (above[row] - below[row]) / (2 * difference);
    }
    assign(variables, start);
    return spectral_radius(jacobian);
}

double spectral_radius(const std::vector<double>& matrix) {
    constexpr int squarings = 40;
    const auto size = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(matrix.size()))));
    // Each squaring rounds, which moves a double eigenvalue by the root of what it rounds.
    std::vector<long double> power(matrix.begin(), matrix.end());
    long double logarithm = 0;
    for (int squaring = 0; squaring <= squarings; ++squaring) {
        long double norm = 0;
        for (const long double element : power) norm = std::max(norm, std::abs(element));
        if (norm == 0) return 0;
        logarithm += std::ldexp(std::log(norm), -squaring);
        std::vector<long double> square(power.size());
        for (std::size_t row = 0; row < size; ++row)
            for (std::size_t inner = 0; inner < size; ++inner)
                for (std::size_t column = 0; column < size; ++column)
                    square[row * size + column] +=
                        power[row * size + inner] / norm * (power[inner * size + column] / norm);
        power = std::move(square);
    }
    return static_cast<double>(std::exp(logarithm));
}

std::vector<double> positions(const models::Trainer& trainer) {
    return values_of(parameters(trainer));
}

void set_positions(const models::Trainer& trainer, const std::vector<double>& values) {
    assign(parameters(trainer), values);
}

}  // namespace duet::tools
