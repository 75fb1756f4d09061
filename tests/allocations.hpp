#pragma once

#include <cstddef>

namespace duet::testing {

/// Heap allocations of the test program so far, on any thread.
std::size_t allocations();

}  // namespace duet::testing
