#include "evaluation_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "json_file.hpp"
#include "metrics_table.hpp"

namespace duet::tools {

namespace {

using Better = models::MetricBuilder::Better;

const Score* find(const Judged& judged, const std::string& name) {
    for (const Score& score : judged.scores)
        if (score.name == name) return &score;
    return nullptr;
}

/// Anchors are read at a glance: without their intervals.
std::string text_of(const Score& score, bool anchor) {
    if (!score.jackknife && score.value == std::round(score.value)) return fmt::format("{:.0f}", score.value);
    if (!score.jackknife || anchor) return fmt::format("{:.4g}", score.value);
    const models::Estimate estimate = score.estimate();
    return fmt::format("{:.4g} [{:.4g}, {:.4g}]", estimate.value, estimate.low, estimate.high);
}

std::string padded_row(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) line += fmt::format("{:<{}}  ", cells[i], widths[i]);
    return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

nlohmann::ordered_json json_of(const Judged& judged) {
    nlohmann::ordered_json all = {{"samples", judged.what}};
    for (const Score& score : judged.scores) {
        nlohmann::ordered_json entry = {{"value", score.value}};
        if (score.jackknife) {
            const models::Estimate estimate = score.estimate();
            entry["low"] = estimate.low;
            entry["high"] = estimate.high;
        }
        entry["n"] = score.n;
        all[score.name] = std::move(entry);
    }
    return all;
}

/// The images that make the interval exclude 0: its width falls with the root of their number.
std::string needed(double difference, double half_width, std::size_t n) {
    if (difference == 0) return "no number of images would tell them apart, if it is that";
    const double ratio = half_width / difference;
    return fmt::format("about {:.2g} images would be needed", static_cast<double>(n) * ratio * ratio);
}

std::vector<std::string> ranked(std::vector<const Judged*> judged, const std::string& score) {
    std::stable_sort(judged.begin(), judged.end(), [&](const Judged* a, const Judged* b) {
        return find(*a, score)->value < find(*b, score)->value;
    });
    std::vector<std::string> names;
    for (const Judged* each : judged) names.push_back(each->name);
    return names;
}

}  // namespace

std::string score_table(const std::vector<Judged>& judged) {
    std::vector<std::vector<std::string>> rows{{""}};
    for (const Judged& each : judged) rows.front().push_back(each.name);
    std::vector<std::string> groups{""};
    for (const Score& score : judged.front().scores) {
        std::vector<std::string> row{"  " + score.name};
        for (const Judged& each : judged) {
            const Score* found = find(each, score.name);
            row.push_back(found == nullptr ? "" : text_of(*found, each.anchor));
        }
        rows.push_back(std::move(row));
        groups.push_back(score.group);
    }
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    std::string text;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (i > 0 && groups[i] != groups[i - 1]) text += groups[i] + "\n";
        text += padded_row(rows[i], widths);
    }
    return text;
}

std::string score_json(const std::vector<Judged>& judged, const std::string& network) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array(), anchors = nlohmann::ordered_json::object();
    for (const Judged& each : judged)
        if (each.anchor) anchors[each.name] = json_of(each);
    for (const Judged& each : judged) {
        if (each.anchor) continue;
        nlohmann::ordered_json entry = json_of(each);
        if (!network.empty()) entry["network"] = network;
        if (!anchors.empty()) entry["anchors"] = anchors;
        all.push_back(std::move(entry));
    }
    return json_text(all.size() == 1 ? all.front() : all, 2) + "\n";
}

std::string score_csv(const std::vector<Judged>& judged) {
    std::string text = "samples,score,value,low,high,n\n";
    for (const Judged& each : judged)
        for (const Score& score : each.scores) {
            text += fmt::format("{},{},{:.9g},", csv_field(each.name), score.name, score.value);
            if (score.jackknife) {
                const models::Estimate estimate = score.estimate();
                text += fmt::format("{:.9g},{:.9g}", estimate.low, estimate.high);
            } else {
                text += ",";
            }
            text += fmt::format(",{}\n", score.n);
        }
    return text;
}

std::string comparison(const Judged& a, const Judged& b) {
    std::string text;
    for (const Score& score : a.scores) {
        const Score* other = find(b, score.name);
        if (other == nullptr || score.group != a.scores.front().group || !score.better) continue;
        const models::Estimate estimate = (*score.jackknife - *other->jackknife).estimate();
        const bool told_apart = estimate.low > 0 || estimate.high < 0;
        const bool a_is_better = (estimate.value < 0) == (*score.better == Better::lower);
        const std::string interval =
            fmt::format("{:.3g} [{:.3g}, {:.3g}]", estimate.value, estimate.low, estimate.high);
        text += told_apart ? fmt::format("{}: {} is better; the difference is {}\n", score.name,
                                         a_is_better ? a.name : b.name, interval)
                           : fmt::format("{}: not distinguishable at {} images: the difference is {}; {}\n",
                                         score.name, std::min(score.n, other->n), interval,
                                         needed(estimate.value, estimate.high - estimate.value,
                                                std::min(score.n, other->n)));
    }
    return text;
}

std::string rank_note(const std::vector<Judged>& judged, const std::vector<View>& views) {
    const std::string score = "fid";
    std::vector<const Judged*> all;
    for (const Judged& each : judged) all.push_back(&each);
    std::string text;
    std::vector<std::string> first;
    for (const View& view : views) {
        const std::string name = view.prefix + score;
        if (std::any_of(all.begin(), all.end(),
                        [&](const Judged* each) { return find(*each, name) == nullptr; }))
            return "";
        const std::vector<std::string> order = ranked(all, name);
        if (first.empty())
            first = order;
        else if (order != first)
            text += fmt::format("{} ranks otherwise than {}: {} instead of {}, best first\n", name, score,
                                fmt::join(order, ", "), fmt::join(first, ", "));
    }
    return text;
}

}  // namespace duet::tools
