#include <duet/graph/runtime/control_group.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

namespace duet {

namespace fs = std::filesystem;

namespace {

/// A word of a file, if it is a positive number: "max" and -1 stand for no limit.
std::uint64_t next_number(std::istream& file) {
    std::string word;
    file >> word;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc() && end == word.data() + word.size() ? number : 0;
}

/// The time that a group has in each period, as processors.
std::optional<std::size_t> processors_of(std::uint64_t time, std::uint64_t period) {
    if (time == 0 || period == 0) return {};
    return static_cast<std::size_t>(time / period + (time % period == 0 ? 0 : 1));
}

std::optional<std::size_t> quota_of(const fs::path& group, bool version_2) {
    if (version_2) {
        std::ifstream file(group / "cpu.max");
        const std::uint64_t time = next_number(file);
        return processors_of(time, next_number(file));
    }
    std::ifstream time(group / "cpu.cfs_quota_us"), period(group / "cpu.cfs_period_us");
    return processors_of(next_number(time), next_number(period));
}

bool names_cpu(std::string_view controllers) {
    for (;;) {
        const std::size_t comma = controllers.find(',');
        if (controllers.substr(0, comma) == "cpu") return true;
        if (comma == std::string_view::npos) return false;
        controllers.remove_prefix(comma + 1);
    }
}

}  // namespace

std::optional<std::size_t> granted_processors(const fs::path& root) {
    std::optional<std::size_t> least;
    std::ifstream groups(root / "proc/self/cgroup");
    // A line is "hierarchy:controllers:/group"; version 2 names no controllers.
    for (std::string line; std::getline(groups, line);) {
        const std::size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
        if (!controllers.empty() && !names_cpu(controllers)) continue;
        const fs::path top = root / "sys/fs/cgroup" / (controllers.empty() ? "" : "cpu");
        fs::path group = fs::path(line.substr(second + 1)).lexically_normal().relative_path();
        for (;; group = group.parent_path()) {
            if (const auto quota = quota_of(top / group, controllers.empty()))
                least = std::min(*quota, least.value_or(*quota));
            if (group.empty()) break;
        }
    }
    return least;
}

}  // namespace duet
