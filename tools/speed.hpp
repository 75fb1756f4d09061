#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace duet::tools {

/// How fast a training is now: over its last ten seconds, or its last step where that took longer. Allocates
/// nothing.
class Speed {
 public:
    using Clock = std::chrono::steady_clock;

    /// `step` steps were done at the time `now`; neither ever falls.
    void add(Clock::time_point now, std::uint64_t step);
    /// Steps a second; 0 while that is not known, as before the second point of time.
    double steps_per_second() const;

 private:
    struct Point {
        Clock::time_point time;
        std::uint64_t step;
    };
    // Points a tenth of a second apart cover the ten seconds; one more is where they begin.
    static constexpr std::size_t most_points = 101;

    const Point& point(std::size_t age) const;

    std::array<Point, most_points> points_{};
    std::size_t count_ = 0;
    std::size_t newest_ = 0;
    Point last_{};
};

}  // namespace duet::tools
