#include <duet/models/metrics/class_scores.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/distances.hpp>

namespace duet::models {

namespace {

constexpr double sum_tolerance = 1e-4;

void check_probabilities(const Samples& probabilities) {
    check_samples(probabilities, "classified");
    const Rows rows = rows_of(probabilities);
    for (std::size_t i = 0; i < rows.count; ++i) {
        double sum = 0;
        for (std::size_t c = 0; c < rows.width; ++c) {
            if (rows[i][c] < 0)
                throw Error(fmt::format("class {} of sample {} has the probability {}", c, i, rows[i][c]));
            sum += rows[i][c];
        }
        if (std::abs(sum - 1) > sum_tolerance)
            throw Error(
                fmt::format("the probabilities of sample {} sum to {}; expected 1: are they scores "
                            "before the softmax?",
                            i, sum));
    }
}

double p_log_p(double p) {
    return p > 0 ? p * std::log(p) : 0;
}

void check_classes(std::span<const std::size_t> classes, std::size_t class_count, const char* what) {
    if (classes.size() < 2 * jackknife_blocks)
        throw Error(fmt::format("{} {} classes; at least {} are needed for an interval", classes.size(), what,
                                2 * jackknife_blocks));
    for (std::size_t i = 0; i < classes.size(); ++i)
        if (classes[i] >= class_count)
            throw Error(fmt::format("the {} class of sample {} is {}: expected one below {}", what, i,
                                    classes[i], class_count));
}

std::vector<double> reference_shares(std::span<const double> reference, std::size_t class_count) {
    if (reference.empty()) return std::vector<double>(class_count, 1 / static_cast<double>(class_count));
    if (reference.size() != class_count)
        throw Error(
            fmt::format("a reference of {} classes for samples of {}", reference.size(), class_count));
    double sum = 0;
    for (std::size_t c = 0; c < class_count; ++c) {
        if (!(reference[c] >= 0) || !std::isfinite(reference[c]))
            throw Error(fmt::format("the reference of class {} is {}: expected a weight", c, reference[c]));
        sum += reference[c];
    }
    if (sum == 0 || !std::isfinite(sum))
        throw Error(fmt::format("the reference's weights sum to {}: expected a positive number", sum));
    std::vector<double> shares(reference.begin(), reference.end());
    for (double& share : shares) share /= sum;
    return shares;
}

double divergence(const std::vector<std::size_t>& counts, const std::vector<double>& shares) {
    std::size_t n = 0;
    for (const std::size_t count : counts) n += count;
    double sum = 0;
    for (std::size_t c = 0; c < counts.size(); ++c) {
        if (counts[c] == 0) continue;
        const double share = static_cast<double>(counts[c]) / static_cast<double>(n);
        sum += share * std::log(share / shares[c]);
    }
    return sum;
}

}  // namespace

Jackknife inception_score(const Samples& probabilities) {
    check_probabilities(probabilities);
    const Rows rows = rows_of(probabilities);
    std::vector<double> negative_entropy(rows.count, 0.0);
    for (std::size_t i = 0; i < rows.count; ++i)
        for (std::size_t c = 0; c < rows.width; ++c) negative_entropy[i] += p_log_p(rows[i][c]);

    const std::vector<std::uint8_t> block = jackknife_block_of(rows.count);
    // The mean divergence is the mean negative entropy less that of the mean.
    const auto score_without = [&](std::size_t b) {
        std::vector<double> sums(rows.width, 0.0);
        double negative_entropies = 0, n = 0;
        for (std::size_t i = 0; i < rows.count; ++i) {
            if (block[i] == b) continue;
            for (std::size_t c = 0; c < rows.width; ++c) sums[c] += rows[i][c];
            negative_entropies += negative_entropy[i];
            ++n;
        }
        double of_mean = 0;
        for (const double sum : sums) of_mean += p_log_p(sum / n);
        return std::exp(negative_entropies / n - of_mean);
    };
    Jackknife score{score_without(jackknife_blocks), {}, false};
    for (std::size_t b = 0; b < jackknife_blocks; ++b) score.without[b] = score_without(b);
    return score;
}

std::vector<std::size_t> predicted_classes(const Samples& probabilities) {
    check_probabilities(probabilities);
    const Rows rows = rows_of(probabilities);
    std::vector<std::size_t> classes(rows.count);
    for (std::size_t i = 0; i < rows.count; ++i)
        classes[i] = static_cast<std::size_t>(std::max_element(rows[i], rows[i] + rows.width) - rows[i]);
    return classes;
}

ModeHistogram mode_histogram(std::span<const std::size_t> classes, std::size_t class_count,
                             std::span<const double> reference) {
    check_classes(classes, class_count, "predicted");
    const std::vector<double> shares = reference_shares(reference, class_count);
    const std::vector<std::uint8_t> block = jackknife_block_of(classes.size());
    std::vector<std::vector<std::size_t>> of_block(jackknife_blocks, std::vector<std::size_t>(class_count));
    ModeHistogram histogram{std::vector<std::size_t>(class_count), 0, 0, {}, 0};
    for (std::size_t i = 0; i < classes.size(); ++i) {
        if (shares[classes[i]] == 0)
            throw Error(
                fmt::format("sample {} is of class {}, whose reference is 0: the divergence is "
                            "infinite",
                            i, classes[i]));
        ++histogram.counts[classes[i]];
        ++of_block[block[i]][classes[i]];
    }
    double possible = 0;
    for (std::size_t c = 0; c < class_count; ++c) {
        histogram.met += histogram.counts[c] > 0;
        histogram.met_five_times += histogram.counts[c] >= 5;
        possible += shares[c] > 0;
    }
    histogram.divergence_bias = (possible - 1) / (2 * static_cast<double>(classes.size()));
    histogram.divergence.value = divergence(histogram.counts, shares);
    for (std::size_t b = 0; b < jackknife_blocks; ++b) {
        std::vector<std::size_t> counts = histogram.counts;
        for (std::size_t c = 0; c < class_count; ++c) counts[c] -= of_block[b][c];
        histogram.divergence.without[b] = divergence(counts, shares);
    }
    return histogram;
}

LabelAccuracy label_accuracy(std::span<const std::size_t> predicted, std::span<const std::size_t> wanted,
                             std::size_t class_count) {
    check_classes(predicted, class_count, "predicted");
    check_classes(wanted, class_count, "wanted");
    if (predicted.size() != wanted.size())
        throw Error(fmt::format("{} wanted labels for {} samples", wanted.size(), predicted.size()));
    const std::vector<std::uint8_t> block = jackknife_block_of(wanted.size());
    LabelAccuracy result{{}, std::vector<ClassAccuracy>(class_count)};
    std::array<std::size_t, jackknife_blocks> samples{}, right{};
    std::size_t all_right = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const bool is_right = predicted[i] == wanted[i];
        ++result.classes[wanted[i]].wanted;
        ++result.classes[predicted[i]].predicted;
        result.classes[wanted[i]].right += is_right;
        ++samples[block[i]];
        right[block[i]] += is_right;
        all_right += is_right;
    }
    const auto share = [](std::size_t part, std::size_t of) {
        return static_cast<double>(part) / static_cast<double>(of);
    };
    result.accuracy.value = share(all_right, wanted.size());
    for (std::size_t b = 0; b < jackknife_blocks; ++b)
        result.accuracy.without[b] = share(all_right - right[b], wanted.size() - samples[b]);
    return result;
}

}  // namespace duet::models
