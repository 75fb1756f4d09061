#include "support.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace duet::testing {

namespace fs = std::filesystem;

Process::Process(const std::string& program, const std::vector<std::string>& arguments,
                 const std::string& setting) {
    const std::string tool = (fs::path(DUET_BUILD_DIR) / "tools" / program).string();
    const std::string path = setting.empty() ? tool : "/bin/sh";
    std::vector<std::string> words = {program};
    if (!setting.empty()) words = {"sh", "-c", setting + " && exec \"$0\" \"$@\"", tool};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);

    const std::string out = folder_.path() / "out", err = folder_.path() / "err";
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    const int error = posix_spawn(&pid_, path.c_str(), &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    REQUIRE_MESSAGE(error == 0, path);
}

Process::~Process() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Process::send(int signal) const {
    ::kill(pid_, signal);
}

Outcome Process::wait() {
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    constexpr int signal_base = 128;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status);
    return {code, text_of(folder_.path() / "out"), text_of(folder_.path() / "err")};
}

Outcome Process::wait(std::chrono::seconds most) {
    const auto end = std::chrono::steady_clock::now() + most;
    siginfo_t ended{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0 && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (ended.si_pid == 0) send(SIGKILL);
    return wait();
}

Outcome duet_command(const std::vector<std::string>& arguments) {
    return Process("duet", arguments).wait();
}

void write_images(const fs::path& folder, std::size_t count, std::size_t side) {
    fs::create_directories(folder);
    const auto size = static_cast<std::uint32_t>(side);
    write_bytes(folder / "train-images-idx3-ubyte",
                idx_file({static_cast<std::uint32_t>(count), size, size}));
}

nlohmann::json json_of(const std::string& text) {
    return nlohmann::json::parse(text);
}

std::string text_of(const fs::path& path) {
    const Bytes bytes = read_file(path);
    return {bytes.begin(), bytes.end()};
}

std::string metrics_of(const fs::path& run) {
    const std::string text = text_of(run / "metrics.csv");
    std::string kept;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size() - 1);
        std::size_t column = 0;
        for (; at <= end; ++at) {
            if (text[at] == ',') ++column;
            if (column < 2 || column > 3) kept += text[at];
        }
    }
    return kept;
}

void write_bytes(const fs::path& path, const Bytes& bytes) {
    write_file_atomically(path, view(bytes));
}

bool is_error_line(const std::string& err) {
    return err.starts_with("duet: error: ") && std::count(err.begin(), err.end(), '\n') == 1 &&
           err.back() == '\n';
}

std::size_t entries_below(const fs::path& folder) {
    if (!fs::is_directory(folder)) return 0;
    const fs::recursive_directory_iterator entries(folder);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace duet::testing
