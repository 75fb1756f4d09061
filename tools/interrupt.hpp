#pragma once

#include <csignal>

namespace duet::tools {

/// While it lives, the first SIGINT (Ctrl-C) or SIGTERM is noted instead of ending the program; a second one
/// ends it. One may live at a time.
class Interrupt {
 public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    /// Whether one of them has come.
    bool requested() const;

 private:
    struct sigaction previous_interrupt_ {};
    struct sigaction previous_terminate_ {};
};

}  // namespace duet::tools
