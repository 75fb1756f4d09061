#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <duet/data/spec.hpp>

namespace duet::tools {

struct StudyData {
    std::string name, path;
};

struct StudyRecipe {
    std::string name;
    /// What `duet train` is told of it.
    std::vector<std::string> words;
    /// SHA-256 of its file; empty without.
    std::string sha256;
    std::size_t seeds;
    std::vector<std::size_t> data;  ///< indices of what it is trained on
};

/// One training of a study.
struct StudyRun {
    std::size_t recipe, data;
    std::uint64_t seed;
    std::string name;  ///< of its folder: "<recipe>-<data>-<seed>"
};

/// What a study compares, as its file says: `duet list study`.
struct Study {
    std::filesystem::path file;
    std::vector<Value> metrics;  ///< texts, each with the line that it stands in
    std::size_t count;
    std::optional<std::size_t> feature_epochs;
    std::vector<StudyData> data;
    std::vector<StudyRecipe> recipes;
    /// Every recipe's first seed comes before any second, so that a study that is under way can be read.
    std::vector<StudyRun> runs;

    std::string name() const { return file.stem().string(); }
    /// What `duet train` is told of a run, but where and how.
    std::vector<std::string> training(const StudyRun& run) const;
    /// All that what is kept of a run depends on, as a text to compare.
    std::string asked(const StudyRun& run) const;
    /// Where the feature network of a data set is kept, below the study's folder.
    std::filesystem::path network(std::size_t data) const;
};

/// Reads and checks a study's file. Throws Error or FileError, naming file, line, key and what is allowed.
Study read_study(const std::filesystem::path& file);

}  // namespace duet::tools
