#include "interrupt.hpp"

namespace duet::tools {

namespace {

// A signal handler can reach nothing but a variable of this kind.
volatile std::sig_atomic_t signal_received = 0;

extern "C" void note_signal(int) {
    signal_received = 1;
}

}  // namespace

Interrupt::Interrupt() {
    signal_received = 0;
    struct sigaction action {};
    action.sa_handler = note_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &previous_interrupt_);
    sigaction(SIGTERM, &action, &previous_terminate_);
}

Interrupt::~Interrupt() {
    sigaction(SIGINT, &previous_interrupt_, nullptr);
    sigaction(SIGTERM, &previous_terminate_, nullptr);
}

bool Interrupt::requested() const {
    return signal_received != 0;
}

}  // namespace duet::tools
