#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace duet {

/// A buffer and the steps between which, both included, it must keep what is in it.
struct Lifetime {
    std::size_t bytes;
    std::size_t first;
    std::size_t last;
};

struct MemoryPlan {
    /// Where each buffer begins, in the order they were given.
    std::vector<std::size_t> offsets;
    /// Bytes the plan needs.
    std::size_t bytes = 0;
    /// The most bytes that are alive at one step: no placement needs less.
    std::size_t bound = 0;
};

/// Places buffers so that those alive at one step do not overlap: the largest first, each in the lowest gap
/// it fits (greedy by size; Pisarchyk and Lee 2020, "Efficient memory management for deep neural net
/// inference"). Every offset is a multiple of the buffer alignment.
MemoryPlan plan_memory(const std::vector<Lifetime>& buffers);

}  // namespace duet
