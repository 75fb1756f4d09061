#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <map>
#include <set>

#include "../../tools/dirac_updates.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;
using namespace duet::tools;

namespace {

/// Rates of each update at f'(0) of 1/2 and of 1, computed apart from this library.
const std::map<std::string, std::array<double, 2>> known_radii = {
    {"simultaneous", {1.004987562, 1.019803903}},
    {"alternating", {1, 1}},
    {"R1, simultaneous", {0.974679434, 0.989949494}},
    {"R1, alternating", {0.969535971, 0.969535971}},
    {"R1 and R2, simultaneous", {0.943398113, 0.959166305}},
    {"consensus", {0.990063129, 0.961041102}},
    {"extragradient", {0.995037688, 0.980612054}},
    {"optimistic", {0.994936153, 0.978906313}},
    {"lookahead", {0.981326914, 0.926370998}},
    {"unrolled", {0.953939201, 0.8}}};
const std::map<std::string, double> known_momentum_radii = {{"momentum -0.5, alternating", 0.998517789},
                                                            {"momentum -0.5, simultaneous", 1.000743033},
                                                            {"momentum 0.5, alternating", 1.032296507}};

}  // namespace

TEST_CASE("a step of the trainer contracts the Dirac-GAN as theory says, for every update and loss") {
    // Rounding moves a double eigenvalue by its root, all others by about itself.
    for (const DiracUpdate& update : dirac_updates())
        for (const DiracLoss& loss : dirac_losses()) {
            CAPTURE(update.name);
            CAPTURE(loss.name);
            const bool double_root = update.name == "unrolled" && loss.slope == 1.0;
            CHECK(std::abs(computed_radius(update, loss) - update.closed_form(loss.slope)) <
                  (double_root ? 1e-6 : 1e-10));
        }
}

TEST_CASE("closed forms of the Dirac-GAN's rates are those known") {
    std::set<std::string> met;
    for (const DiracUpdate& update : dirac_updates()) {
        CAPTURE(update.name);
        met.insert(update.name);
        if (known_radii.count(update.name) > 0) {
            CHECK(std::abs(update.closed_form(0.5) - known_radii.at(update.name)[0]) < 1e-7);
            CHECK(std::abs(update.closed_form(1) - known_radii.at(update.name)[1]) < 1e-7);
        }
        if (known_momentum_radii.count(update.name) > 0)
            CHECK(std::abs(update.closed_form(0.5) - known_momentum_radii.at(update.name)) < 1e-7);
    }
    for (const auto& known : known_radii) CHECK(met.count(known.first) == 1);
    for (const auto& known : known_momentum_radii) CHECK(met.count(known.first) == 1);
}

TEST_CASE("the largest eigenvalue's magnitude, of real, complex, defective and nilpotent matrices") {
    CHECK(spectral_radius({0.5, 3, 0, -2}) == doctest::Approx(2).epsilon(1e-12));
    CHECK(spectral_radius({0.6, -0.8, 0.8, 0.6}) == doctest::Approx(1).epsilon(1e-12));
    CHECK(spectral_radius({0.8, 1, 0, 0.8}) == doctest::Approx(0.8).epsilon(1e-9));
    CHECK(spectral_radius({0, 1, 0, 0}) == 0);
    CHECK(verdict(1 + 1e-9) == "circles");
    CHECK(verdict(0.99) == "converges");
    CHECK(verdict(1.01) == "diverges");
}
