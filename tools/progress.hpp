#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <duet/models/training/trainer.hpp>

namespace duet::tools {

/// Shows on the standard error how far a training is: a bar that is drawn over itself on a terminal, about
/// twenty lines elsewhere. Of the metrics it shows the objectives, those called "<phase>_loss".
class Progress : public models::Observer {
 public:
    Progress(std::uint64_t steps, std::uint64_t images_per_step);
    ~Progress() override;
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Called after each step.
    void see(const models::Record& record) override;
    /// Leaves the bar as it is and goes to the next line.
    void finish();

 private:
    using Clock = std::chrono::steady_clock;

    void draw_bar(const models::Record& record);
    std::string status(const models::Record& record) const;

    std::uint64_t steps_;
    std::uint64_t images_per_step_;
    bool terminal_;
    bool bar_drawn_ = false;
    std::uint64_t lines_ = 0;
    Clock::time_point start_;
    Clock::time_point next_drawing_;
};

}  // namespace duet::tools
