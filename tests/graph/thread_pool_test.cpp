#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>

#include <duet/graph/thread_pool.hpp>

using namespace duet;

TEST_CASE("every thread of the pool runs each piece of work once") {
    for (const std::size_t threads : {1, 2, 3, 8}) {
        ThreadPool pool(threads);
        CHECK(pool.threads() == threads);
        std::vector<std::atomic<int>> calls(threads);
        for (int round = 0; round < 200; ++round) pool.run([&](std::size_t thread) { ++calls[thread]; });
        for (const auto& count : calls) CHECK(count == 200);
    }
}

TEST_CASE("threads that wait for work cost no processor time") {
    ThreadPool pool(4);
    pool.run([](std::size_t) {});
    const std::clock_t before = std::clock();
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const double milliseconds = 1000.0 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
    CHECK(milliseconds < 5.0);
}
