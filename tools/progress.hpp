#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <duet/models/gan_trainer.hpp>

namespace duet::tools {

/// Shows on the standard error how far a training is: a bar that is drawn over itself on a terminal, about
/// twenty lines elsewhere.
class Progress {
 public:
    Progress(std::uint64_t steps, std::uint64_t images_per_step);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Called after each step.
    void show(const models::StepMetrics& metrics);
    /// Leaves the bar as it is and goes to the next line.
    void finish();

 private:
    using Clock = std::chrono::steady_clock;

    void draw_bar(const models::StepMetrics& metrics);
    std::string status(const models::StepMetrics& metrics) const;

    std::uint64_t steps_;
    std::uint64_t images_per_step_;
    bool terminal_;
    bool bar_drawn_ = false;
    std::uint64_t lines_ = 0;
    Clock::time_point start_;
    Clock::time_point next_drawing_;
};

}  // namespace duet::tools
