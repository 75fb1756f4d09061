#include "speed.hpp"

namespace duet::tools {

namespace {

constexpr auto window = std::chrono::seconds(10);
constexpr auto time_between_points = std::chrono::milliseconds(100);

}  // namespace

/// The point that was kept `age` points before the newest one.
const Speed::Point& Speed::point(std::size_t age) const {
    return points_[(newest_ + most_points - age) % most_points];
}

void Speed::add(Clock::time_point now, std::uint64_t step) {
    last_ = {now, step};
    if (count_ > 0 && now - point(0).time < time_between_points) return;
    newest_ = (newest_ + 1) % most_points;
    points_[newest_] = last_;
    if (count_ < most_points) ++count_;
    // The oldest that is left is the last one from before the window.
    while (count_ > 2 && last_.time - point(count_ - 2).time >= window) --count_;
}

double Speed::steps_per_second() const {
    if (count_ == 0) return 0;
    const Point& first = point(count_ - 1);
    const double seconds = std::chrono::duration<double>(last_.time - first.time).count();
    return seconds > 0 ? static_cast<double>(last_.step - first.step) / seconds : 0;
}

}  // namespace duet::tools
