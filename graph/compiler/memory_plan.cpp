#include <duet/graph/compiler/memory_plan.hpp>

#include <algorithm>
#include <numeric>

#include <duet/graph/runtime/arena_state.hpp>

namespace duet {

namespace {

std::size_t peak_of_live_bytes(const std::vector<Lifetime>& buffers) {
    std::size_t steps = 0;
    for (const Lifetime& buffer : buffers) steps = std::max(steps, buffer.last + 1);
    std::vector<std::ptrdiff_t> change(steps + 1, 0);
    for (const Lifetime& buffer : buffers) {
        change[buffer.first] += static_cast<std::ptrdiff_t>(aligned_to_buffer(buffer.bytes));
        change[buffer.last + 1] -= static_cast<std::ptrdiff_t>(aligned_to_buffer(buffer.bytes));
    }
    std::ptrdiff_t live = 0, peak = 0;
    for (const std::ptrdiff_t each : change) peak = std::max(peak, live += each);
    return static_cast<std::size_t>(peak);
}

}  // namespace

MemoryPlan plan_memory(const std::vector<Lifetime>& buffers) {
    MemoryPlan plan;
    plan.offsets.resize(buffers.size());
    plan.bound = peak_of_live_bytes(buffers);
    std::vector<std::size_t> by_size(buffers.size());
    std::iota(by_size.begin(), by_size.end(), std::size_t{0});
    std::stable_sort(by_size.begin(), by_size.end(), [&](std::size_t a, std::size_t b) {
        if (buffers[a].bytes != buffers[b].bytes) return buffers[a].bytes > buffers[b].bytes;
        return buffers[a].first < buffers[b].first;
    });
    std::vector<std::size_t> placed;
    for (const std::size_t index : by_size) {
        const Lifetime& buffer = buffers[index];
        const std::size_t size = aligned_to_buffer(buffer.bytes);
        std::size_t offset = 0;
        for (const std::size_t other : placed) {
            if (buffers[other].last < buffer.first || buffer.last < buffers[other].first) continue;
            if (offset + size <= plan.offsets[other]) break;
            offset = std::max(offset, plan.offsets[other] + aligned_to_buffer(buffers[other].bytes));
        }
        plan.offsets[index] = offset;
        plan.bytes = std::max(plan.bytes, offset + size);
        placed.insert(std::upper_bound(
                          placed.begin(), placed.end(), offset,
                          [&](std::size_t value, std::size_t other) { return value < plan.offsets[other]; }),
                      index);
    }
    return plan;
}

}  // namespace duet
