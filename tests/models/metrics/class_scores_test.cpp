#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/class_scores.hpp>

#include "drawn_samples.hpp"

using namespace duet;
using namespace duet::models;

namespace {

/// Of 60 samples: certain of class i % classes where `certain`, else of all alike.
Samples probabilities(std::size_t classes, bool certain) {
    Samples samples = Samples::from_shape({60, classes});
    for (std::size_t i = 0; i < 60; ++i)
        for (std::size_t c = 0; c < classes; ++c)
            samples(i, c) =
                certain ? static_cast<double>(i % classes == c) : 1 / static_cast<double>(classes);
    return samples;
}

std::vector<std::size_t> without_block(const std::vector<std::size_t>& classes, std::size_t b) {
    const auto block = jackknife_block_of(classes.size());
    std::vector<std::size_t> rest;
    for (std::size_t i = 0; i < classes.size(); ++i)
        if (block[i] != b) rest.push_back(classes[i]);
    return rest;
}

}  // namespace

TEST_CASE("the Inception score is the number of classes at best and 1 at worst") {
    CHECK(inception_score(probabilities(6, true)).value == doctest::Approx(6).epsilon(1e-12));
    CHECK(inception_score(probabilities(6, false)).value == doctest::Approx(1).epsilon(1e-12));
    // Two kinds of rows, (0.75, 0.25) and (0.25, 0.75): KL to (0.5, 0.5) is 0.75 log 1.5 + 0.25 log 0.5.
    Samples known = probabilities(2, true);
    for (double& value : known) value = 0.25 + value / 2;
    const Jackknife score = inception_score(known);
    CHECK(score.value ==
          doctest::Approx(std::exp(0.75 * std::log(1.5) + 0.25 * std::log(0.5))).epsilon(1e-12));
    for (std::size_t b = 0; b < jackknife_blocks; ++b)
        CHECK(score.without[b] == inception_score(models::without_block(known, b)).value);
    CHECK_FALSE(score.corrected);
}

TEST_CASE("what is no probability is refused") {
    Samples scores = probabilities(3, false);
    scores(4, 1) = 5;
    CHECK_THROWS_WITH_AS(
        inception_score(scores),
        "the probabilities of sample 4 sum to 5.666666666666666; expected 1: are they scores "
        "before the softmax?",
        Error);
    scores(4, 1) = -0.5;
    CHECK_THROWS_WITH_AS(predicted_classes(scores), "class 1 of sample 4 has the probability -0.5", Error);
    scores(4, 1) = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(inception_score(scores), Error);
}

TEST_CASE("modes are counted") {
    std::vector<std::size_t> classes = predicted_classes(probabilities(3, true));
    CHECK(classes[4] == 1);
    CHECK(predicted_classes(probabilities(3, false))[4] == 0);
    for (std::size_t i = 0; i < 18; ++i) classes[3 * i + 2] = 0;
    const ModeHistogram histogram = mode_histogram(classes, 4);
    CHECK(histogram.counts == std::vector<std::size_t>{38, 20, 2, 0});
    CHECK(histogram.met == 3);
    CHECK(histogram.met_five_times == 2);
    const auto term = [](double count, double share) { return count / 60 * std::log(count / 60 / share); };
    CHECK(histogram.divergence.value ==
          doctest::Approx(term(38, 0.25) + term(20, 0.25) + term(2, 0.25)).epsilon(1e-12));
    CHECK(histogram.divergence_bias == doctest::Approx(3 / 120.0));
    const std::vector<double> reference{30, 20, 10, 0};
    const ModeHistogram against = mode_histogram(classes, 4, reference);
    CHECK(against.divergence.value ==
          doctest::Approx(term(38, 0.5) + term(20, 1 / 3.0) + term(2, 1 / 6.0)).epsilon(1e-12));
    CHECK(against.divergence_bias == doctest::Approx(2 / 120.0));
    for (std::size_t b = 0; b < jackknife_blocks; ++b)
        CHECK(against.divergence.without[b] ==
              mode_histogram(without_block(classes, b), 4, reference).divergence.value);
}

TEST_CASE("the divergence of samples of the reference is its bias, over draws") {
    constexpr std::size_t n = 5000, modes = 100;
    std::mt19937_64 engine(3);
    std::uniform_int_distribution<std::size_t> mode(0, modes - 1);
    Moments above;
    for (std::size_t draw = 0; draw < simulations; ++draw) {
        std::vector<std::size_t> classes(n);
        for (std::size_t& each : classes) each = mode(engine);
        const ModeHistogram histogram = mode_histogram(classes, modes);
        above.add(histogram.divergence.value - histogram.divergence_bias);
    }
    CHECK(std::abs(above.mean()) < 3 * above.standard_error());
}

TEST_CASE("labels are compared with what was asked for") {
    std::vector<std::size_t> wanted(50), predicted(50);
    for (std::size_t i = 0; i < 50; ++i) {
        wanted[i] = i % 5;
        predicted[i] = i % 10 == 4 ? 0 : i % 5;
    }
    const LabelAccuracy accuracy = label_accuracy(predicted, wanted, 6);
    CHECK(accuracy.accuracy.value == 0.9);
    REQUIRE(accuracy.classes.size() == 6);
    CHECK(accuracy.classes[0].wanted == 10);
    CHECK(accuracy.classes[0].right == 10);
    CHECK(accuracy.classes[0].predicted == 15);
    CHECK(accuracy.classes[4].wanted == 10);
    CHECK(accuracy.classes[4].right == 5);
    CHECK(accuracy.classes[5].predicted == 0);
    for (std::size_t b = 0; b < jackknife_blocks; ++b)
        CHECK(accuracy.accuracy.without[b] ==
              label_accuracy(without_block(predicted, b), without_block(wanted, b), 6).accuracy.value);
}

TEST_CASE("classes that do not exist are refused") {
    const std::vector<std::size_t> classes(40, 2), few(39, 2), more(41, 2);
    CHECK_NOTHROW(mode_histogram(classes, 3));
    CHECK_THROWS_WITH_AS(mode_histogram(classes, 2),
                         "the predicted class of sample 0 is 2: expected one below 2", Error);
    CHECK_THROWS_AS(mode_histogram(few, 3), Error);
    CHECK_THROWS_WITH_AS(mode_histogram(classes, 3, std::vector<double>{1, 1, 0}),
                         "sample 0 is of class 2, whose reference is 0: the divergence is infinite", Error);
    CHECK_THROWS_AS(mode_histogram(classes, 3, std::vector<double>{1, -1, 1}), Error);
    CHECK_THROWS_AS(mode_histogram(classes, 3, std::vector<double>{0, 0, 0}), Error);
    CHECK_THROWS_AS(mode_histogram(classes, 3, std::vector<double>{1, 1}), Error);
    CHECK_THROWS_WITH_AS(label_accuracy(classes, more, 3), "41 wanted labels for 40 samples", Error);
    CHECK_THROWS_AS(label_accuracy(classes, classes, 2), Error);
}
