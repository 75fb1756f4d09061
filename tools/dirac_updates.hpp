#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dirac_gan.hpp"

namespace duet::tools {

/// The setting of the table: the learning rate of both players, and the weight of R1, R2 and consensus.
inline constexpr double dirac_rate = 0.2, dirac_penalty = 0.3;

/// A way of training both players of the Dirac-GAN.
struct DiracUpdate {
    std::string name;
    /// Makes it of the plain training.
    std::function<void(models::Training&, const DiracLoss&)> change;
    /// One update.
    std::function<void(models::Trainer&)> run;
    /// The magnitude of the largest eigenvalue of its Jacobian at the equilibrium, of f'(0).
    std::function<double(double slope)> closed_form;
};

/// The losses whose gradients at the equilibrium are those of a game of sum zero, least squares with the
/// labels -1 and 1. f'(0) is 1/2 for minimax, non-saturating and relativistic pairing, and 1 for Wasserstein,
/// hinge, least squares, and the relativistic average, whose two halves are summed.
std::vector<DiracLoss> dirac_losses();

/// Every update. With the rate h = dirac_rate, the weight c = dirac_penalty and s = f'(0), one is near the
/// equilibrium a matrix M on (psi, theta) and what the optimizers keep; plain steps of both players at once
/// are I + h J, J = [[-c, -s], [s, 0]]. The updates are of
///   simultaneous, alternating, R1  Mescheder et al. 2018, sections 2, 3 and 4.1
///   R1 and R2                      the same with 2 c for c: at the equilibrium both penalties are c/2 psi^2
///   consensus                      Mescheder et al. 2017, algorithm 1
///   extragradient                  Korpelevich 1976; Gidel et al. 2019a, section 3.2
///   optimistic                     Daskalakis et al. 2018, section 2
///   lookahead                      Chavdarova et al. 2021, algorithm 1, of 5 steps and half their way
///   unrolled                       Metz et al. 2017, section 2.2, of 5 inner steps of the rate h
///   momentum                       Polyak 1964; negative Gidel et al. 2019b
/// The largest |z| among the eigenvalues of M, or roots of a polynomial,
///   simultaneous                z^2 + (h c - 2) z + 1 - h c + h^2 s^2: sqrt(1 - h c + h^2 s^2) if not real
///   alternating                 z^2 + (h c + h^2 s^2 - 2) z + 1 - h c: sqrt(1 - h c) if not real
///   consensus                   sqrt((1 - h c s^2)^2 + h^2 s^2)
///   extragradient               |1 + h i s + (h i s)^2| = sqrt(1 - h^2 s^2 + h^4 s^4)
///   optimistic                  z^2 - (1 + 2 h i s) z + h i s
///   lookahead                   |1 + (1 + h i s)^5| / 2
///   unrolled                    M = [[1, -h s], [h s, 1 - 2 k h^2 s^2]], k = 5
///   momentum b, simultaneous    P(0) P(c) + h^2 s^2 z^2, P(c) = z^2 - (1 + b - h c) z + b
///   momentum b, alternating     P(0) P(c) + h^2 s^2 z^3
std::vector<DiracUpdate> dirac_updates();

/// Of the real trainer's update.
double computed_radius(const DiracUpdate& update, const DiracLoss& loss);

/// "converges", "circles" or "diverges".
std::string verdict(double radius);

}  // namespace duet::tools
