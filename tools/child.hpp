#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace duet::tools {

using Words = std::vector<std::string>;

/// A process of this same program with other arguments, in a process group of its own: what a terminal sends
/// to this one does not reach it. Both its outputs are added to a log, below a line with its arguments.
class Child {
 public:
    /// `lock` is the descriptor of a SharedLock that it shares. Throws StorageError if it cannot be started,
    /// FileError for the log.
    Child(const Words& arguments, const std::filesystem::path& log, int lock);
    /// The same without lock, its log gone with this object.
    explicit Child(const Words& arguments);
    /// Asks it to end by SIGTERM and waits, if it has not ended yet.
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void send(int signal) const;
    /// Its exit code, or 128 plus the signal that ended it; nothing while it runs.
    std::optional<int> ended();
    int wait();
    /// What it said was wrong, in its last line that begins as errors do, or else with which code it ended.
    std::string error() const;

 private:
    void start(const Words& arguments, int lock);
    void note(int status);

    int log_;
    off_t log_begin_ = 0;
    pid_t pid_ = -1;
    std::optional<int> code_;
};

}  // namespace duet::tools
