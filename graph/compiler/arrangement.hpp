#pragma once

#include <cstddef>

#include <duet/graph/compiler/layout.hpp>
#include <duet/graph/compiler/units.hpp>

namespace duet {

/// What a program does, in which order, and where its values live.
struct Arrangement {
    Units units;
    Layout layout;
};

/// Arranges a plan. With `fuse`, nodes share units as far as that takes little more memory than a unit a node
/// would: a sum of many terms, all fused, would keep every term until the last is there, so where too much
/// waits at the peak, the nodes that read it become units of their own. `bound` of the memory plan is the
/// lower of both forms' bounds. With `share`, results take over buffers (see plan_layout).
Arrangement arrange(const Plan& plan, bool fuse, std::size_t element_bytes, bool share);

}  // namespace duet
