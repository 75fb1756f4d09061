#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "../../tools/interrupt.hpp"

using namespace duet::tools;

namespace {

/// How a process ends that notes the first signals, and a while later the others: by the signal that this
/// returns, or by itself, which is 0.
int end_after(const std::vector<int>& first, const std::vector<int>& later) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        signal(SIGHUP, SIG_DFL);  // one that nohup left out would stay ignored
        Interrupt interrupt;
        for (const int signal : first) raise(signal);
        const bool noted = interrupt.received() == first.front();
        if (!later.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1200));
        for (const int signal : later) raise(signal);
        _exit(noted && interrupt.received() == first.front() ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) return WTERMSIG(status);
    CHECK(WEXITSTATUS(status) == 0);
    return 0;
}

}  // namespace

TEST_CASE("signals that come at once announce one end, and a later one aborts") {
    // `timeout` sends its signal to the process and then to the whole group.
    CHECK(end_after({SIGTERM, SIGTERM}, {}) == 0);
    CHECK(end_after({SIGHUP, SIGTERM, SIGINT}, {}) == 0);
    CHECK(end_after({SIGINT}, {SIGINT}) == SIGINT);
    CHECK(end_after({SIGUSR1}, {SIGTERM}) == SIGTERM);
}

TEST_CASE("a signal that the system repeats aborts nothing") {
    CHECK(end_after({SIGXCPU}, {SIGXCPU}) == 0);
    CHECK(end_after({SIGHUP}, {SIGHUP}) == 0);
}
