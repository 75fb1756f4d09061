#pragma once

#include <string>
#include <vector>

#include "evaluation.hpp"

namespace duet::tools {

/// A column of a report: what was judged, and its scores.
struct Judged {
    std::string name;
    std::string what;
    std::vector<Score> scores;
    bool anchor = false;
};

/// A row a score, a column for each of the judged, values with their intervals.
std::string score_table(const std::vector<Judged>& judged);

/// {"samples": ..., "network": hash, "fid": {"value", "low", "high", "n"}, ..., "anchors": {name: {...}}}; a
/// list of such where several were judged. Scores without an interval have no low and high.
std::string score_json(const std::vector<Judged>& judged, const std::string& network);

/// A line a score: samples, score, value, low, high, n.
std::string score_csv(const std::vector<Judged>& judged);

/// Which of two is better, by each score against the first reference: by how much, or that they are not
/// distinguishable at this number of images, and how many would be needed.
std::string comparison(const Judged& a, const Judged& b);

/// Where the distances by the views rank the judged differently, says so; else nothing.
std::string rank_note(const std::vector<Judged>& judged, const std::vector<View>& views);

}  // namespace duet::tools
