#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <duet/models/sampler.hpp>
#include <duet/models/training/checkpoint.hpp>
#include <duet/models/training/event_log.hpp>
#include <duet/models/training/trainer.hpp>

#include "background.hpp"
#include "checkpoints.hpp"
#include "interrupt.hpp"
#include "measurement.hpp"
#include "metrics_log.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "provenance.hpp"
#include "run_folder.hpp"
#include "trace.hpp"

namespace duet::tools {

struct SessionOptions {
    std::string profile;               ///< a file for the trace of the last steps, or empty
    std::optional<double> time_limit;  ///< seconds
    Verbosity verbosity = Verbosity::normal;
};

/// A training and the folder that it fills. What cannot be written warns and is tried again at its next
/// interval: no such failure ends the training.
class Session {
 public:
    /// Goes on from `from`, which the trainer stands at, or from the start. `measurement` may be null. All of
    /// them must stay.
    Session(models::Trainer& trainer, const models::Model& model, const Spec& recipe, std::size_t images,
            Measurement* measurement, RunFolder& folder, const std::optional<models::Checkpoint>& from,
            Interrupt& interrupt, const SessionOptions& options);

    /// Trains to the end, or to an interruption or the time limit, and writes what the run leaves. Throws
    /// StorageError if the last checkpoint or the weights could not be written, NonFiniteError as
    /// Trainer::step.
    void run();
    void warn(const std::string& line) { progress_.note(line); }

 private:
    std::uint64_t step() const { return trainer_.state().at.step; }
    bool finished() const { return step() >= steps_; }
    bool time_is_up() const;
    bool checkpoint_is_due() const;
    void train();
    void start_checkpoint();
    void report_failures();
    void leave();
    void write_weights();
    void draw_samples();
    void flush();
    Image picture_of(const Array& images) const;
    Bytes weights() const;

    /// Whether it could be done; if not, says so.
    template <class Action>
    bool attempt(const char* what, Action&& action);
    /// Where a value is not finite, keeps what the trainer went back to before passing the error on.
    template <class Action>
    auto finite(Action&& action) -> decltype(action());

    models::Trainer& trainer_;
    const models::Model& model_;
    const Spec& recipe_;
    Measurement* measurement_;
    RunFolder& folder_;
    Interrupt& interrupt_;
    SessionOptions options_;
    std::uint64_t steps_, log_every_, sample_every_, keep_every_, checkpoint_steps_ = 0;
    double checkpoint_seconds_ = 0;
    std::string best_metric_;
    Progress progress_;
    MetricsLog metrics_;
    CheckpointWriter checkpoints_;
    std::optional<models::EventLog> events_;
    Provenance provenance_;
    models::Sampler sampler_;
    Trace trace_;
    double start_;
    double checkpoint_at_;
    Background background_;  ///< its jobs end before what they use
};

}  // namespace duet::tools
