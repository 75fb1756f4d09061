#include <doctest/doctest.h>

#include <random>

#include <duet/graph/compiler/memory_plan.hpp>
#include <duet/graph/runtime/arena_state.hpp>

using namespace duet;

TEST_CASE("buffers that live at different times share memory") {
    const MemoryPlan plan = plan_memory({{64, 0, 1}, {64, 1, 2}, {64, 2, 3}});
    CHECK(plan.bytes == 128);
    CHECK(plan.bound == 128);
    CHECK(plan.offsets[0] == plan.offsets[2]);
}

TEST_CASE("no two buffers that live together overlap, and the plan is near its bound") {
    std::mt19937 random(1);
    for (int round = 0; round < 50; ++round) {
        std::vector<Lifetime> buffers;
        for (int i = 0; i < 80; ++i) {
            const std::size_t first = random() % 60;
            buffers.push_back({1 + random() % 5000, first, first + random() % 12});
        }
        const MemoryPlan plan = plan_memory(buffers);
        CHECK(plan.bytes >= plan.bound);
        CHECK(static_cast<double>(plan.bytes) <= 1.35 * static_cast<double>(plan.bound));
        for (std::size_t a = 0; a < buffers.size(); ++a) {
            CHECK(plan.offsets[a] % buffer_alignment == 0);
            CHECK(plan.offsets[a] + buffers[a].bytes <= plan.bytes);
            for (std::size_t b = 0; b < a; ++b) {
                const bool together =
                    buffers[a].first <= buffers[b].last && buffers[b].first <= buffers[a].last;
                const bool apart = plan.offsets[a] + buffers[a].bytes <= plan.offsets[b] ||
                                   plan.offsets[b] + buffers[b].bytes <= plan.offsets[a];
                CHECK((!together || apart));
            }
        }
    }
}
