#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <duet/models/training/trainer.hpp>

#include "output.hpp"
#include "speed.hpp"
#include "status_line.hpp"

namespace duet::tools {

/// How much a training says on the standard error. `quiet`: warnings alone. `normal`: how far it is.
/// `verbose`: also each record that is logged, with every metric.
enum class Verbosity { quiet, normal, verbose };

/// Shows on the standard error how far a training is. On a terminal it is a bar that is drawn over itself ten
/// times a second at most. Elsewhere it is lines with the local time in front: one after the first step, then
/// 1, 2, 4, ... seconds after the line before, never more than ten minutes, and one at the end; `verbose` has
/// those of the records instead. Of the metrics it shows the objectives, those called "<phase>_loss". After
/// its first step it allocates only when it draws.
///
/// What cannot be written, because the pipe was closed or the terminal is gone, is not written, and nothing
/// after it: no signal comes of it and no error.
class Progress : public models::Observer {
 public:
    /// Of a training of `steps` of which `first_step` were done before, by the run that it resumes;
    /// `descriptor` is where it writes.
    Progress(std::uint64_t steps, std::uint64_t images_per_step, std::uint64_t first_step = 0,
             Verbosity verbosity = Verbosity::normal, int descriptor = STDERR_FILENO);
    ~Progress() override;
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Called after each step.
    void see(const models::Record& record) override;
    /// Called for each record that is logged, after `see`: `verbose` prints it.
    void log(const models::Record& record);
    /// Prints "duet: warning: <text>" on a line of its own, whatever the verbosity; a bar goes on below it.
    void note(std::string_view text);
    /// Shows the last step that was seen and leaves the bar as it is. Called again it does nothing.
    void finish();

 private:
    using Clock = Speed::Clock;

    void keep(const models::Record& record);
    void show(Clock::time_point now);
    void put_line(const std::string& line);
    void put(std::string_view text);
    Status status() const;

    std::uint64_t steps_;
    std::uint64_t images_per_step_;
    Verbosity verbosity_;
    int descriptor_;
    bool terminal_;
    bool broken_ = false;     ///< writing failed
    bool bar_drawn_ = false;  ///< the cursor stands behind a bar
    bool shown_ = true;       ///< the last step that was seen is
    std::uint64_t step_;
    std::vector<std::size_t> loss_at_;  ///< where a record has them
    std::vector<ShownLoss> losses_;
    Speed speed_;
    Clock::time_point next_;
    Clock::duration between_lines_;
};

}  // namespace duet::tools
