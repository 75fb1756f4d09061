#pragma once

#include <csignal>
#include <vector>

namespace duet::tools {

/// While it lives, the first signal that announces an end is noted instead of ending the program: those of a
/// user and a closed terminal (SIGINT, SIGTERM, SIGHUP), of batch systems (SIGUSR1, SIGUSR2, SIGPWR) and of a
/// limit of processor time (SIGXCPU). One that comes more than a second later ends it: who ends a process may
/// send several at once, to it and to its group. SIGXCPU never does, since the system repeats it every
/// second, nor does a repeated SIGHUP, which both the system and a shell may send when a terminal closes. A
/// write that fails for lack of a reader or a limit of size (SIGPIPE, SIGXFSZ) is an error of the write
/// instead. Signals that were ignored before stay ignored. One may live at a time.
class Interrupt {
 public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    /// Whether one of them has come.
    bool requested() const { return received() != 0; }
    /// The first signal that came, or 0.
    int received() const;
    /// Ends the program by the signal that came, as if it had never been noted, so that who started it sees
    /// why; does nothing if none came.
    void pass_on();

 private:
    struct Previous {
        int signal;
        struct sigaction action;
    };
    void replace(int signal, void (*handler)(int));

    std::vector<Previous> previous_;
};

}  // namespace duet::tools
