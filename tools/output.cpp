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

std::string one_line(std::string_view text) {
    // Of those above ASCII, U+0080 to U+009F are two bytes in UTF-8.
    constexpr char first_of_two = '\xc2', last_of_second = '\x9f';
    std::string line;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool wide = text[i] == first_of_two && i + 1 < text.size() && text[i + 1] <= last_of_second;
        line += wide || (text[i] >= 0 && text[i] < ' ') || text[i] == '\x7f' ? '?' : text[i];
        if (wide) ++i;
    }
    return line;
}

void warn(const std::string& text) {
    write_without_signal(STDERR_FILENO, fmt::format("duet: warning: {}\n", one_line(text)));
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
