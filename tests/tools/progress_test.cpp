#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <limits>
#include <regex>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "../../tools/progress.hpp"
#include "../allocations.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;
using namespace duet::tools;

namespace {

const std::vector<ShownLoss> losses = {{"discriminator_loss", 0.693147}, {"generator_loss", 1234.567}};

/// 100 steps a second, of 128 images each.
Status status(std::uint64_t step, std::uint64_t steps) {
    return {step, steps, 100, 12800, losses};
}

/// Both ends of something that is written to and read from.
struct Ends {
    Ends() = default;
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;
    ~Ends() {
        if (in >= 0) ::close(in);
        if (out >= 0) ::close(out);
    }
    /// What was written since it was last read.
    std::string read() const {
        std::string text;
        pollfd ready{out, POLLIN, 0};
        while (::poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN) != 0) {
            char bytes[4096];
            const auto count = ::read(out, bytes, sizeof bytes);
            if (count <= 0) break;
            text.append(bytes, static_cast<std::size_t>(count));
        }
        return text;
    }
    int in = -1, out = -1;
};

struct Pipe : Ends {
    Pipe() {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        out = ends[0];
        in = ends[1];
    }
};

struct Terminal : Ends {
    explicit Terminal(unsigned short width) {
        winsize size{};
        size.ws_row = 24;
        size.ws_col = width;
        REQUIRE(::openpty(&out, &in, nullptr, nullptr, &size) == 0);
    }
};

const std::vector<std::string> names = {"discriminator_loss", "r1", "generator_loss"};
const std::vector<double> values = {0.693147, 0.25, 1234.567};

models::Record record(std::uint64_t step) {
    return {step, names, values};
}

}  // namespace

TEST_CASE("a status line fits in any width and keeps the time left for as long as there is room") {
    for (const std::uint64_t steps : {1ULL, 20ULL, 20'000ULL, 1'000'000'000ULL})
        for (const std::uint64_t step : {std::uint64_t{0}, std::uint64_t{1}, steps / 2, steps})
            for (std::size_t width = 0; width <= 250; ++width) {
                const std::string line = status_line(status(step, steps), width);
                CAPTURE(line);
                CAPTURE(width);
                CHECK(line.size() <= width);
                if (steps <= 20'000 && width >= 20) CHECK(contains(line, " left"));
                if (steps <= 20'000 && width >= 31) {
                    CHECK(line.starts_with("["));
                    CHECK(contains(line, fmt::format("{}/{}", step, steps)));
                }
            }
}

TEST_CASE("a status line drops images a second first, then the losses, the bar last") {
    const auto line = [](std::size_t width) { return status_line(status(12'000, 20'000), width); };
    CHECK(
        line(200) ==
        "[##################............] step 12000/20000  discriminator_loss 0.6931  generator_loss 1235  "
        "12800 images/s  1:20 left");
    CHECK(line(90) ==
          "[#######.....] step 12000/20000  discriminator_loss 0.6931  generator_loss 1235  1:20 left");
    CHECK(line(80) == "[##################............] step 12000/20000  D 0.6931  G 1235  1:20 left");
    CHECK(line(40) == "[######....] step 12000/20000  1:20 left");
    CHECK(line(31) == "[####...] 12000/20000 1:20 left");
    CHECK(line(29) == "12000/20000 1:20 left");
    CHECK(line(20) == "60% 1:20 left");
    CHECK(line(5) == "60%");
    const std::vector<ShownLoss> alike = {{"decoder_loss", 1}, {"discriminator_loss", 2}};
    CHECK(contains(status_line({1, 2, 1, 1, alike}, 60), "  decoder 1  discriminator 2  "));
}

TEST_CASE("a status says so where speed or loss are no numbers") {
    const std::vector<ShownLoss> odd = {{"loss_loss", std::numeric_limits<double>::quiet_NaN()}};
    CHECK(status_text({0, 5, 0, 0, odd}) == "step 0/5  loss_loss nan  0 images/s  -:-- left");
    CHECK(contains(status_text({5, 5, 0, 0, {}}), "0:00 left"));
    CHECK(contains(status_text({7, 5, 1, 1, {}}), "0:00 left"));
    CHECK(clock_text(std::numeric_limits<double>::infinity()) == "277777:46:40");
    CHECK(clock_text(3751.2) == "1:02:31");
    CHECK(clock_text(-1) == "-:--");
}

TEST_CASE("the speed is that of the last ten seconds") {
    using std::chrono::milliseconds;
    Speed speed;
    Speed::Clock::time_point now{};
    CHECK(speed.steps_per_second() == 0);
    std::uint64_t step = 5000;
    speed.add(now, step);
    CHECK(speed.steps_per_second() == 0);
    const auto go = [&](milliseconds each, std::size_t steps) {
        const std::size_t before = allocations();
        for (std::size_t i = 0; i < steps; ++i) speed.add(now += each, ++step);
        CHECK(allocations() == before);
    };
    go(milliseconds(1), 1);
    CHECK(speed.steps_per_second() == doctest::Approx(1000));
    go(milliseconds(1), 30'000);
    CHECK(speed.steps_per_second() == doctest::Approx(1000));
    go(milliseconds(10), 500);
    CHECK(speed.steps_per_second() > 110);
    go(milliseconds(10), 501);
    CHECK(speed.steps_per_second() == doctest::Approx(100).epsilon(0.02));
    go(milliseconds(30'000), 2);
    CHECK(speed.steps_per_second() == doctest::Approx(1 / 30.0));
}

TEST_CASE("progress on a terminal is a bar, and warnings stand above it") {
    const Terminal terminal(60);
    Progress progress(1000, 128, 0, Verbosity::normal, terminal.in);
    progress.see(record(1));
    std::string drawn = terminal.read();
    CHECK(drawn.starts_with("\r["));
    CHECK(contains(drawn, "step 1/1000  D 0.6931  G 1235  "));
    CHECK(drawn.ends_with(" left\x1b[K"));
    CHECK(drawn.size() <= 60 + 4);
    progress.see(record(2));
    CHECK(terminal.read().empty());  // too soon
    progress.note("it rains");
    CHECK(terminal.read() == "\r\x1b[Kduet: warning: it rains\r\n");
    progress.see(record(3));
    CHECK(contains(terminal.read(), "step 3/1000"));
    progress.log(record(3));
    CHECK(terminal.read().empty());
    progress.see(record(4));
    progress.finish();
    drawn = terminal.read();
    CHECK(contains(drawn, "step 4/1000"));
    CHECK(drawn.ends_with("\r\n"));
    progress.finish();
    CHECK(terminal.read().empty());
}

TEST_CASE("progress elsewhere is lines with a time, fewer and fewer") {
    const Pipe pipe;
    {
        Progress progress(1000, 128, 500, Verbosity::normal, pipe.in);
        for (std::uint64_t step = 501; step < 900; ++step) {
            const std::size_t before = allocations();
            progress.see(record(step));
            if (step > 501) CHECK(allocations() == before);
        }
        const std::string first = pipe.read();
        CHECK(std::regex_match(first, std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d step 501/1000  "
                                                 "discriminator_loss 0.6931  generator_loss 1235  \\d+ "
                                                 "images/s  \\S+ left\n")));
        std::this_thread::sleep_for(std::chrono::milliseconds(1050));
        progress.see(record(900));
        CHECK(contains(pipe.read(), " step 900/1000 "));
        std::this_thread::sleep_for(std::chrono::milliseconds(1050));
        progress.see(record(901));
        CHECK(pipe.read().empty());  // two seconds now
    }
    CHECK(contains(pipe.read(), " step 901/1000 "));  // how far it came when it ended
}

TEST_CASE("verbosity") {
    const Pipe pipe;
    {
        Progress quiet(10, 1, 0, Verbosity::quiet, pipe.in);
        quiet.see(record(1));
        quiet.log(record(1));
        quiet.see(record(10));
        quiet.finish();
        CHECK(pipe.read().empty());
        quiet.note("it rains");
        CHECK(pipe.read() == "duet: warning: it rains\n");
    }
    {
        Progress verbose(10, 1, 0, Verbosity::verbose, pipe.in);
        verbose.see(record(1));
        CHECK(pipe.read().empty());
        verbose.log(record(1));
        CHECK(contains(pipe.read(), " step 1/10  discriminator_loss 0.6931  r1 0.25  generator_loss 1235\n"));
        verbose.see(record(2));
    }
    CHECK(contains(pipe.read(), " step 2/10  "));
    const Terminal terminal(80);
    Progress verbose(10, 1, 0, Verbosity::verbose, terminal.in);
    verbose.see(record(1));
    terminal.read();
    verbose.log(record(1));
    const std::string line = terminal.read();
    CHECK(line.starts_with("\r\x1b[K2"));
    CHECK(contains(line, "r1 0.25"));
}

TEST_CASE("progress goes on when nobody reads it any more") {
    Pipe pipe;
    ::close(pipe.out);
    pipe.out = -1;
    struct sigaction before {};
    ::sigaction(SIGPIPE, nullptr, &before);
    REQUIRE((before.sa_handler == SIG_DFL));  // a signal would end the test
    Progress progress(10, 1, 0, Verbosity::verbose, pipe.in);
    for (std::uint64_t step = 1; step <= 10; ++step) {
        progress.see(record(step));
        progress.log(record(step));
    }
    progress.note("it rains");
    progress.finish();
    sigset_t pending;
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGPIPE) == 0);
    CHECK_FALSE(write_without_signal(-1, "text"));
}
