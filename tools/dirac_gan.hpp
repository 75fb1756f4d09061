#pragma once

#include <functional>
#include <string>
#include <vector>

#include <duet/models/catalogue.hpp>
#include <duet/models/terms/losses.hpp>
#include <duet/models/training/trainer.hpp>

namespace duet::tools {

/// What a row of the catalogue builds, with its defaults where nothing is given.
template <class Builder, class... Arguments>
auto built(const std::string& category, Spec spec, Arguments&... arguments) {
    const models::Catalogue catalogue = models::standard_catalogue();
    spec = catalogue.completed(spec, category, category);
    return catalogue.builder<Builder>(category, spec)(spec, arguments...);
}

/// A loss on the Dirac-GAN, and the only property of it that decides a rate there.
struct DiracLoss {
    std::string name;
    models::LossTerms terms;
    /// The same of any scores.
    std::function<models::Losses(const Tensor& real_score, const Tensor& fake_score)> sides;
    /// f'(0): near the equilibrium the discriminator's gradient is f'(0) theta, the generator's -f'(0) psi.
    double slope;
};

/// The Dirac-GAN of Mescheder et al. 2018, definition 2.1: D(x) = psi x, all data at 0, all fakes at theta,
/// whatever they are drawn from. Both start at the equilibrium, 0, and are trained by gradient descent of
/// this rate, at the same time.
models::Training dirac_gan(const DiracLoss& loss, double rate);

/// A trainer of it in float64.
models::Trainer dirac_trainer(models::Training training);

/// The magnitude of the largest eigenvalue of the Jacobian of one update at the trainer's present state,
/// which must be a fixed point: by central differences, over all that an update changes, optimizers' slots
/// included and their rates not. Below 1 the update contracts near that state.
double contraction(models::Trainer& trainer, const std::function<void(models::Trainer&)>& update);

/// The magnitude of the largest eigenvalue of a square matrix, row-major, by Gelfand's formula,
/// lim |M^n|^(1/n), at n = 2^40.
double spectral_radius(const std::vector<double>& matrix);

/// The state of the networks, in float64: what updates of several steps start from and go back to.
std::vector<double> positions(const models::Trainer& trainer);
void set_positions(const models::Trainer& trainer, const std::vector<double>& values);

}  // namespace duet::tools
