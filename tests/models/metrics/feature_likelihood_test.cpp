#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/feature_likelihood.hpp>
#include <duet/models/metrics/mixture.hpp>

#include "drawn_samples.hpp"

using namespace duet;
using namespace duet::models;

namespace {

void check_same(const FeatureLikelihood& a, const FeatureLikelihood& b) {
    CHECK(a.divergence == b.divergence);
    CHECK(a.generalisation_gap == b.generalisation_gap);
    CHECK(a.baseline_loss == b.baseline_loss);
}

}  // namespace

TEST_CASE("the mixture is PyTorch's") {
    const auto file = read_safetensors_as<double>(DUET_SOURCE_DIR "/tests/fixtures/mixture.safetensors");
    const Rows centres = rows_of(*file.find("centres")), samples = rows_of(*file.find("samples")),
               held_out = rows_of(*file.find("held_out"));
    const auto log_variances = fit_mixture(centres, samples, 1);
    const auto& expected = *file.find("log_variances");
    double worst = 0;
    for (std::size_t j = 0; j < centres.count; ++j)
        worst = std::max(worst, std::abs(log_variances[j] - expected(j)));
    MESSAGE("log variances differ by at most " << worst);
    CHECK(worst < 1e-3);
    CHECK(std::abs(mixture_loss(centres, log_variances, samples, 1) - (*file.find("train_loss"))(0)) < 1e-5);
    CHECK(std::abs(mixture_loss(centres, log_variances, held_out, 1) - (*file.find("held_out_loss"))(0)) <
          1e-5);
}

TEST_CASE("fresh samples have no divergence, worse ones some, copies much and a gap") {
    const Samples train = gaussian(600, 8, 1), held_out = gaussian(400, 8, 2);
    const FeatureLikelihood fresh = feature_likelihood(train, held_out, gaussian(300, 8, 3));
    Samples moved = gaussian(300, 8, 4);
    for (double& value : moved) value += 0.7;
    const FeatureLikelihood worse = feature_likelihood(train, held_out, moved);
    const FeatureLikelihood copier = feature_likelihood(train, held_out, train);
    MESSAGE("divergence " << fresh.divergence << ", " << worse.divergence << ", " << copier.divergence
                          << "; gap " << fresh.generalisation_gap << ", " << worse.generalisation_gap << ", "
                          << copier.generalisation_gap);
    CHECK(std::abs(fresh.divergence) < 3);
    CHECK(worse.divergence > 10);
    CHECK(copier.divergence > 1000);
    CHECK(copier.generalisation_gap < -1000);
    CHECK(std::abs(fresh.generalisation_gap) < 50);
    CHECK(fresh.divergence == doctest::Approx(100 * (fresh.held_out_loss - fresh.baseline_loss)));
    CHECK(fresh.fakes == 300);
}

TEST_CASE("the divergence does not depend on scale, constant features, threads; on the seed a little") {
    const Samples train = gaussian(150, 5, 1), held_out = gaussian(90, 5, 2), fake = gaussian(110, 5, 3);
    const auto widened = [](const Samples& samples, double scale) {
        Samples wide = xt::ones<double>({samples.shape()[0], samples.shape()[1] + 1});
        for (std::size_t i = 0; i < samples.shape()[0]; ++i)
            for (std::size_t k = 0; k < samples.shape()[1]; ++k) wide(i, k) = scale * samples(i, k) + 3;
        return wide;
    };
    const FeatureLikelihood plain = feature_likelihood(train, held_out, fake);
    for (const std::size_t threads : {2UL, 3UL, 8UL})
        check_same(plain, feature_likelihood(train, held_out, fake, 0, threads));
    const FeatureLikelihood wide =
        feature_likelihood(widened(train, 8), widened(held_out, 8), widened(fake, 8));
    CHECK(wide.constant_features == 1);
    CHECK(wide.divergence == doctest::Approx(plain.divergence).epsilon(1e-3));
    const FeatureLikelihood other = feature_likelihood(train, held_out, fake, 1);
    CHECK(other.divergence != plain.divergence);
    CHECK(std::abs(other.divergence - plain.divergence) < 10);
}

TEST_CASE("features far off give numbers") {
    const Samples train = gaussian(60, 3, 1), held_out = gaussian(60, 3, 2, 1e-12);
    const FeatureLikelihood far = feature_likelihood(train, held_out, gaussian(60, 3, 3, 1e9));
    CHECK(std::isfinite(far.divergence));
    CHECK(std::isfinite(far.generalisation_gap));
}

TEST_CASE("samples without a likelihood are refused") {
    const Samples good = gaussian(60, 3, 1), alike = xt::ones<double>({60, 3});
    CHECK_THROWS_WITH_AS(feature_likelihood(good, alike, good), "all 60 held-out samples are equal", Error);
    CHECK_THROWS_AS(feature_likelihood(good, gaussian(60, 4, 1), good), Error);
    CHECK_THROWS_AS(feature_likelihood(good, good, gaussian(39, 3, 1)), Error);
    Samples broken = good;
    broken(2, 2) = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(feature_likelihood(broken, good, good), Error);
}
