#include "interrupt.hpp"

#include <atomic>
#include <cstdint>
#include <ctime>

namespace duet::tools {

namespace {

constexpr std::int64_t nanoseconds = 1'000'000'000;

// Any thread may run the handler.
std::atomic<int> signal_received = 0;
std::atomic<std::int64_t> received_at = 0;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free);

extern "C" void note_signal(int signal) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t at = now.tv_sec * nanoseconds + now.tv_nsec;
    std::int64_t first = 0;
    if (received_at.compare_exchange_strong(first, at)) {
        signal_received = signal;
    } else if (at - first > nanoseconds && signal != SIGXCPU &&
               !(signal == SIGHUP && signal_received == SIGHUP)) {
        std::signal(signal, SIG_DFL);
        std::raise(signal);
    }
}

}  // namespace

Interrupt::Interrupt() {
    signal_received = 0;
    received_at = 0;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPWR, SIGXCPU})
        replace(signal, note_signal);
    for (const int signal : {SIGPIPE, SIGXFSZ}) replace(signal, SIG_IGN);
}

void Interrupt::replace(int signal, void (*handler)(int)) {
    Previous previous{signal, {}};
    sigaction(signal, nullptr, &previous.action);
    if (previous.action.sa_handler == SIG_IGN) return;
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
    previous_.push_back(previous);
}

Interrupt::~Interrupt() {
    for (const Previous& previous : previous_) sigaction(previous.signal, &previous.action, nullptr);
}

int Interrupt::received() const {
    return signal_received;
}

void Interrupt::pass_on() {
    if (signal_received == 0) return;
    std::signal(signal_received, SIG_DFL);
    std::raise(signal_received);
}

}  // namespace duet::tools
