#include "child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>

#include "output.hpp"
#include "provenance.hpp"
#include "shared_lock.hpp"

namespace duet::tools {

namespace {

constexpr int signal_base = 128;
constexpr const char* this_program = "/proc/self/exe";

/// What is in the environment, and that a lock is given.
Words environment(bool locked) {
    const std::string lock = std::string(SharedLock::given_variable) + "=";
    Words words;
    for (char** each = environ; *each != nullptr; ++each)
        if (!std::string_view(*each).starts_with(lock)) words.emplace_back(*each);
    if (locked) words.push_back(lock + std::to_string(SharedLock::given_descriptor));
    return words;
}

std::vector<char*> pointers_to(Words& words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// Signals as they are for a program that a shell starts; those that this one was told to ignore stay
/// ignored.
void set_signals(posix_spawnattr_t& attributes) {
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    for (const int signal : {SIGCHLD, SIGPIPE, SIGXFSZ}) sigaddset(&usual, signal);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

}  // namespace

Child::Child(const Words& arguments, const std::filesystem::path& log, int lock)
    : log_(::open(log.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
    if (log_ < 0) throw_file_error("open", log, errno);
    start(arguments, lock);
}

Child::Child(const Words& arguments) : log_(::memfd_create("log", MFD_CLOEXEC)) {
    if (log_ < 0) throw StorageError(fmt::format("cannot make a log: {}", std::strerror(errno)));
    start(arguments, -1);
}

void Child::start(const Words& arguments, int lock) {
    Words words = {"duet"}, variables = environment(lock >= 0);
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::string line = "$";
    for (const std::string& word : words) line += " " + quoted_for_shell(word);
    write_without_signal(log_, line + "\n");
    log_begin_ = ::lseek(log_, 0, SEEK_END);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, log_, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, log_, STDERR_FILENO);
    if (lock >= 0) posix_spawn_file_actions_adddup2(&actions, lock, SharedLock::given_descriptor);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    set_signals(attributes);
    const int error = ::posix_spawn(&pid_, this_program, &actions, &attributes, pointers_to(words).data(),
                                    pointers_to(variables).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error == 0) return;
    ::close(log_);
    throw StorageError(fmt::format("cannot start `duet {}`: {}", arguments.front(), std::strerror(error)));
}

Child::~Child() {
    if (!code_) {
        send(SIGTERM);
        wait();
    }
    ::close(log_);
}

void Child::send(int signal) const {
    if (!code_) ::kill(pid_, signal);
}

void Child::note(int status) {
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status);
}

std::optional<int> Child::ended() {
    int status = 0;
    if (!code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) note(status);
    return code_;
}

int Child::wait() {
    int status = 0;
    while (!code_) {
        if (::waitpid(pid_, &status, 0) == pid_)
            note(status);
        else if (errno != EINTR)
            code_ = signal_base;
    }
    return *code_;
}

std::string Child::error() const {
    constexpr std::string_view prefix = "duet: error: ";
    constexpr std::size_t most = 1 << 16;
    const off_t end = ::lseek(log_, 0, SEEK_END);
    const off_t begin = std::max(log_begin_, end - static_cast<off_t>(most));
    std::string text(static_cast<std::size_t>(end - begin), '\0');
    const auto read = ::pread(log_, text.data(), text.size(), begin);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(read, 0)));
    const std::size_t at = text.rfind(prefix);
    if (at != std::string::npos)
        return text.substr(at + prefix.size(), text.find('\n', at) - at - prefix.size());
    const int code = code_.value_or(0);
    return code < signal_base ? fmt::format("ended with code {}", code)
                              : fmt::format("was ended by signal {}", code - signal_base);
}

}  // namespace duet::tools
