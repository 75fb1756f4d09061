#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <span>
#include <thread>
#include <vector>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

#include <duet/graph/runtime/processor.hpp>
#include <duet/graph/runtime/thread_pool.hpp>

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

#if defined(__GLIBC__) && !defined(DUET_SANITIZED)

TEST_CASE("a pool works with the threads that the system starts") {
    pthread_attr_t usual, endless;
    REQUIRE(pthread_getattr_default_np(&usual) == 0);
    pthread_attr_init(&endless);
    // More than there are addresses.
    pthread_attr_setstacksize(&endless, std::size_t{1} << 62U);
    REQUIRE(pthread_setattr_default_np(&endless) == 0);
    {
        ThreadPool pool(4);
        CHECK(pool.threads() == 1);
        int calls = 0;
        pool.run([&](std::size_t) { ++calls; });
        CHECK(calls == 1);
    }
    CHECK(pthread_setattr_default_np(&usual) == 0);
}

#endif

TEST_CASE("threads that wait for work cost no processor time") {
    // OpenBLAS starts threads when it is loaded, which spin for a tenth of a second.
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    ThreadPool pool(4);
    pool.run([](std::size_t) {});
    const std::clock_t before = std::clock();
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const double milliseconds = 1000.0 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
    CHECK(milliseconds < 5.0);
}

#ifdef __linux__

namespace {

cpu_set_t allowed_processors() {
    cpu_set_t allowed;
    REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    return allowed;
}

void allow_processors(const cpu_set_t& processors) {
    REQUIRE(sched_setaffinity(0, sizeof processors, &processors) == 0);
}

}  // namespace

TEST_CASE("a thread on the processor of another leaves it, and may run where it could before") {
    if (processors() < 2) return;
    const cpu_set_t allowed = allowed_processors();
    std::vector<int> seen(2);
    cpu_set_t allowed_of_worker;
    ThreadPool pool(2);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(current_processor(), &one);
    allow_processors(one);
    for (int round = 0; round < 20; ++round) {
        pool.run([&](std::size_t thread) {
            seen[thread] = current_processor();
            if (thread == 0) return;
            allowed_of_worker = allowed_processors();
            allow_processors(one);
            allow_processors(allowed);
        });
        CHECK(seen[0] != seen[1]);
        CHECK(CPU_EQUAL(&allowed_of_worker, &allowed));
    }
    allow_processors(allowed);
}

TEST_CASE("a thread leaves a processor only for one that it may run on") {
    const cpu_set_t allowed = allowed_processors();
    const std::vector<std::atomic<int>> none;
    std::vector<std::atomic<int>> all(CPU_SETSIZE);
    for (int i = 0; i < CPU_SETSIZE; ++i) all[static_cast<std::size_t>(i)] = i;
    for (const auto& taken : {std::span(none), std::span<const std::atomic<int>>(all)}) {
        leave_processors(taken);
        const cpu_set_t after = allowed_processors();
        CHECK(CPU_EQUAL(&after, &allowed));
    }
}

#endif
