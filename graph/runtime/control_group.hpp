#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace duet {

/// The processors that Linux's control groups grant the process, as a container does: the least of the quotas
/// of its own group and of those around it, rounded up, from version 2's cpu.max and version 1's
/// cpu.cfs_quota_us. None where no quota is set or known. Files are looked for below `root`.
std::optional<std::size_t> granted_processors(const std::filesystem::path& root = "/");

}  // namespace duet
