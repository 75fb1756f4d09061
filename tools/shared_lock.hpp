#pragma once

#include <filesystem>
#include <optional>

namespace duet::tools {

/// A lock on a file that a process holds together with those that it starts with the descriptor: it is free
/// when the last of them has ended, however it did. No other process, on no machine that shares the folder,
/// has it meanwhile.
class SharedLock {
 public:
    /// Makes the file where it is missing; nothing if others hold the lock. Throws FileError if it cannot be
    /// opened or locked.
    static std::optional<SharedLock> take(const std::filesystem::path& file);
    ~SharedLock();
    SharedLock(SharedLock&& other) noexcept;
    SharedLock& operator=(SharedLock&& other) noexcept;

    int descriptor() const { return descriptor_; }

    /// Where a process that is started under a lock finds its descriptor, and the variable of its environment
    /// that says so.
    static constexpr int given_descriptor = 3;
    static constexpr const char* given_variable = "DUET_LOCK";

 private:
    explicit SharedLock(int descriptor) : descriptor_(descriptor) {}

    int descriptor_;
};

/// A descriptor of the lock on this file that this process was started under, or -1.
int inherited_lock(const std::filesystem::path& file);

/// Whether a descriptor is of the file that is at this path now.
bool is_same_file(int descriptor, const std::filesystem::path& path);

}  // namespace duet::tools
