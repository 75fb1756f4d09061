#include <duet/graph/runtime/processor.hpp>

#include <algorithm>
#include <fstream>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

#include <duet/graph/runtime/control_group.hpp>

namespace duet {

std::string processor_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (const std::size_t colon = line.find(": ");
            line.starts_with("model name") && colon != std::string::npos)
            return line.substr(colon + 2);
    return "unknown";
}

#ifdef __linux__

std::size_t processors() {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
    return static_cast<std::size_t>(CPU_COUNT(&allowed));
}

int current_processor() {
    return sched_getcpu();
}

void leave_processors(std::span<const std::atomic<int>> taken) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    cpu_set_t free = allowed;
    for (const std::atomic<int>& processor : taken) CPU_CLR(processor.load(std::memory_order_relaxed), &free);
    if (sched_setaffinity(0, sizeof free, &free) == 0) sched_setaffinity(0, sizeof allowed, &allowed);
}

#else

std::size_t processors() {
    return 0;
}
int current_processor() {
    return -1;
}
void leave_processors(std::span<const std::atomic<int>>) {}

#endif

std::size_t usable_processors() {
    std::size_t count = processors();
    if (count == 0) count = std::thread::hardware_concurrency();
    if (const auto granted = granted_processors()) count = std::min(count, *granted);
    return std::max<std::size_t>(count, 1);
}

}  // namespace duet
