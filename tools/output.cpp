#include "output.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet::tools {

namespace {

/// While it lives, this thread gets no SIGPIPE.
class NoBrokenPipe {
 public:
    NoBrokenPipe() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        sigpending(&pending);
        already_pending_ = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoBrokenPipe() {
        const timespec at_once{};
        if (!already_pending_)
            while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    NoBrokenPipe(const NoBrokenPipe&) = delete;
    NoBrokenPipe& operator=(const NoBrokenPipe&) = delete;

 private:
    sigset_t pipe_{}, before_{};
    bool already_pending_ = false;
};

}  // namespace

bool write_without_signal(int descriptor, std::string_view text) {
    const NoBrokenPipe guard;
    while (!text.empty()) {
        const auto written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

void say(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

void flush_output() {
    if (std::fflush(stdout) != 0 && errno != EPIPE && errno != EIO)
        throw StorageError(fmt::format("cannot write to the standard output: {}", std::strerror(errno)));
}

}  // namespace duet::tools
