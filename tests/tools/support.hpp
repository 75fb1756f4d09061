#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "../data/support.hpp"

namespace duet::testing {

/// How a program ended.
struct Outcome {
    int code;  ///< its exit code, or 128 plus the signal that ended it
    std::string out;
    std::string err;
};

/// A program of tools/ that runs beside the test.
class Process {
 public:
    /// `setting` is what a shell does before it becomes the program, such as "ulimit -v 60000".
    Process(const std::string& program, const std::vector<std::string>& arguments,
            const std::string& setting = {});
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    pid_t pid() const { return pid_; }
    void send(int signal) const;
    Outcome wait();
    /// The same; kills the program if it has not ended by then.
    Outcome wait(std::chrono::seconds most);

 private:
    TemporaryFolder folder_;
    pid_t pid_ = -1;
};

/// Runs `duet` to its end.
Outcome duet_command(const std::vector<std::string>& arguments);

/// A folder of `count` images of side x side pixels, an arbitrary but fixed pattern.
void write_images(const std::filesystem::path& folder, std::size_t count, std::size_t side);

std::string text_of(const std::filesystem::path& path);
nlohmann::json json_of(const std::string& text);
/// A run's metrics.csv without the columns of times.
std::string metrics_of(const std::filesystem::path& run);
void write_bytes(const std::filesystem::path& path, const Bytes& bytes);

/// Whether the message is one line that starts as errors do.
bool is_error_line(const std::string& err);

/// Files and folders below a folder, itself not counted; 0 if it is missing.
std::size_t entries_below(const std::filesystem::path& folder);

}  // namespace duet::testing
