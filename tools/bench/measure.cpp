#include "measure.hpp"

#include <algorithm>
#include <ctime>

namespace duet::bench {

namespace {

double sample(const Measured& one, bool cpu_time) {
    const double begin = now(cpu_time);
    for (std::size_t i = 0; i < one.repeat; ++i) one.run();
    return (now(cpu_time) - begin) / static_cast<double>(one.repeat);
}

}  // namespace

double now(bool cpu_time) {
    timespec time{};
    clock_gettime(cpu_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

void keep(const void* data) {
    asm volatile("" : : "r"(data) : "memory");
}

void measure(std::vector<Measured>& all, const Timing& timing) {
    for (Measured& one : all) {
        one.run();
        one.repeat = 3;
        const double took = std::max(sample(one, timing.cpu_time), 1e-6);
        one.repeat = static_cast<std::size_t>(std::clamp(timing.milliseconds / took, 1.0, 1e6));
        one.samples.clear();
        one.samples.reserve(timing.rounds);
    }
    for (std::size_t round = 0; round < timing.rounds; ++round)
        for (Measured& one : all) {
            one.run();
            one.samples.push_back(sample(one, timing.cpu_time));
        }
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double median(const Measured& one) {
    return median(one.samples);
}

double ratio(const Measured& one, const Measured& other) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < one.samples.size(); ++i) ratios.push_back(one.samples[i] / other.samples[i]);
    return median(std::move(ratios));
}

}  // namespace duet::bench
