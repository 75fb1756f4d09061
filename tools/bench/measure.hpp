#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace duet::bench {

/// Something to time: `run` called `repeat` times in a row is one sample.
struct Measured {
    std::string name;
    std::function<void()> run;
    std::size_t repeat = 1;
    /// Milliseconds a call, one value a round; filled by `measure`.
    std::vector<double> samples = {};
};

struct Timing {
    std::size_t rounds = 15;
    /// What each sample should take.
    double milliseconds = 40;
    /// The calling thread's time on a processor instead of the time that passed.
    bool cpu_time = false;
};

/// Takes one sample of each in turn, round after round, so that whatever else the machine does falls on all
/// of them alike. Before, each runs once, and `repeat` is set so that a sample takes as long as `timing`
/// says.
void measure(std::vector<Measured>& all, const Timing& timing);

/// The middle value; the mean of the middle two of an even number.
double median(std::vector<double> values);

/// Milliseconds of the median sample.
double median(const Measured& one);

/// The median over rounds of one's time divided by the other's in the same round.
double ratio(const Measured& one, const Measured& other);

/// Milliseconds from some moment on.
double now(bool cpu_time = false);

/// Keeps the compiler from leaving out the computation of what `data` points at.
void keep(const void* data);

}  // namespace duet::bench
