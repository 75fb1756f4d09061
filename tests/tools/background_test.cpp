#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <duet/graph/error.hpp>

#include "../../tools/background.hpp"

using namespace duet;
using namespace duet::tools;

TEST_CASE("jobs are done in turn, behind all else that runs, and those that fail are named") {
    const auto niceness = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
    const int before = niceness();
    int within = 0;
    std::vector<int> done;
    Background background;
    background.add("the first", [&] {
        within = niceness();
        done.push_back(1);
    });
    background.add("the second", [] { throw StorageError("no space"); });
    for (int job = 3; job < 20; ++job) background.add("another", [&done, job] { done.push_back(job); });
    background.wait();
    CHECK_FALSE(background.busy());
    REQUIRE(done.size() == 18);
    CHECK(done.front() == 1);
    for (std::size_t i = 1; i < done.size(); ++i) CHECK(done[i] == static_cast<int>(i) + 2);
    CHECK(within == 19);
    CHECK(niceness() == before);
    CHECK(background.take_failures() == std::vector<std::string>{"the second: no space"});
    CHECK(background.take_failures().empty());
}
