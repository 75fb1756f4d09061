#include <duet/graph/runtime/control_group.hpp>

#include <fstream>
#include <limits>

#include <doctest/doctest.h>

#include "../data/support.hpp"

using namespace duet;
using duet::testing::TemporaryFolder;

namespace fs = std::filesystem;

namespace {

/// The files of a system, by name and text.
struct Files {
    Files(std::initializer_list<std::pair<const char*, const char*>> files) {
        for (const auto& [name, text] : files) {
            fs::create_directories((folder.path() / name).parent_path());
            std::ofstream(folder.path() / name) << text;
        }
    }

    /// 0 for none.
    std::size_t granted() const { return granted_processors(folder.path()).value_or(0); }

    TemporaryFolder folder;
};

constexpr const char* groups = "proc/self/cgroup";

/// What version 2 grants by a cpu.max.
std::size_t granted_by(const char* cpu_max) {
    return Files{{groups, "0::/\n"}, {"sys/fs/cgroup/cpu.max", cpu_max}}.granted();
}

}  // namespace

TEST_CASE("cpu.max is time a period, rounded up to processors") {
    CHECK(granted_by("200000 100000\n") == 2);
    CHECK(granted_by("150000 100000\n") == 2);
    CHECK(granted_by("100000 100000") == 1);
    CHECK(granted_by("1000 100000\n") == 1);
    CHECK(granted_by("18446744073709551615 1\n") == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("a cpu.max that sets no quota, or none that can be read, grants any number") {
    for (const char* text : {"max 100000\n", "", "\n", "100000", "100000 0\n", "0 100000\n", "-1 100000\n",
                             "18446744073709551616 1\n", "2.5 1\n", "100000 100000us\n", "a b c"}) {
        CAPTURE(text);
        CHECK(granted_by(text) == 0);
    }
    CHECK(Files{}.granted() == 0);
    for (const char* line : {"", "0", "0::", "::", "0:cpu", "\n\n:", "x:y:z:/..\n"}) {
        CAPTURE(line);
        CHECK(Files{{groups, line}}.granted() == 0);
    }
}

TEST_CASE("the least quota of a group and those around it counts") {
    const Files files{{groups, "0::/slice/task\n"},
                      {"sys/fs/cgroup/slice/cpu.max", "300000 100000\n"},
                      {"sys/fs/cgroup/slice/task/cpu.max", "800000 100000\n"}};
    CHECK(files.granted() == 3);
    // Within a container, whose own group stands at the top of what it sees.
    const Files container{{groups, "0::/../../elsewhere\n"}, {"sys/fs/cgroup/cpu.max", "400000 100000\n"}};
    CHECK(container.granted() == 4);
}

TEST_CASE("version 1 has a file for the time and one for the period") {
    const char* const lines = "5:cpuset:/a\n4:cpuacct,cpu:/docker/1\n0::/\n";
    const Files files{{groups, lines},
                      {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n"},
                      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}};
    CHECK(files.granted() == 3);
    const Files unlimited{{groups, lines},
                          {"sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "-1\n"},
                          {"sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "100000\n"}};
    CHECK(unlimited.granted() == 0);
}
