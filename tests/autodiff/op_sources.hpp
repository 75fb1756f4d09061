#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace duet {

/// A class that derives from Op, directly or through others, as its source declares it.
struct OpSource {
    std::string name, base;
    /// The data members it declares itself.
    std::vector<std::string> members;
    /// What stands in its own attributes(), without texts; empty if it has none.
    std::string attributes;
    /// Which of absorb, rearranged and accumulating it answers, itself or by a base.
    std::set<std::string> rewrites;
    /// True if another class derives from it.
    bool is_base = false;

    /// The members that its attributes() does not name.
    std::vector<std::string> left_out() const;
};

std::vector<OpSource> op_sources(std::string text);
/// Of all sources and headers of a folder and of those within.
std::vector<OpSource> op_sources_in(const std::filesystem::path& folder);

}  // namespace duet
