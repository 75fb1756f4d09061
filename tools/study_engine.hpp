#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "child.hpp"
#include "interrupt.hpp"
#include "shared_lock.hpp"
#include "study.hpp"
#include "study_record.hpp"

namespace duet::tools {

struct StudyOptions {
    std::filesystem::path out;
    std::size_t processes, threads;  ///< at once, and of each
    bool retry_failed, quiet;
};

/// Does the runs of a study that are left, each in processes of its own: a training, which goes on by itself
/// where one was begun, then its evaluation. Who holds the lock of a run's folder works on it, and shares the
/// lock with those processes: so engines that are given the same folder, on one machine or many, share the
/// runs, and one that is killed leaves each run either to its surviving process or to whoever comes next.
/// Runs that others work on are looked at again until they are done or free.
class StudyEngine {
 public:
    StudyEngine(const Study& study, StudyOptions options, const Interrupt& interrupt);

    /// Ends when no run is left, or when a signal came, which is then passed on to the processes; false if
    /// some run is left. A training that fails (exit code 1), and an evaluation that does in any way, such as
    /// of images that no metric takes, is noted as a failure of its run; what `duet train` or `duet features`
    /// call bad usage ends the study with their message, as Error.
    bool run();

 private:
    enum class Stage { network, training, evaluation };
    enum class Standing { open, mine, settled };
    enum class Features { unknown, none, missing, mine, ready };
    struct Job {
        Stage stage;
        std::size_t index;  ///< of the run, or of the data set that a network is made for
        SharedLock lock;
        std::unique_ptr<Child> child;
    };

    void check_recipes() const;
    bool collect();
    bool start();
    bool start_networks();
    bool start_runs();
    void wait();
    void end_all(int signal);

    void advance(Job& job, int code);
    void advance_network(Job& job, int code);
    void evaluate(Job& job);
    /// A process was ended by a signal: its run is free again, or failed after a few of these.
    void drop(Job& job, const std::string& why);
    void fail(Job& job, const std::string& why);
    void done(Job& job);
    void settle(std::size_t run, const StudyRecord& record);
    /// Whether the run is settled, by now.
    bool look_at(std::size_t run);
    void look_for_network(std::size_t data);

    std::size_t left() const;
    bool is_free() const { return jobs_.size() < options_.processes; }
    std::filesystem::path folder(std::size_t run) const { return options_.out / study_.runs[run].name; }
    Words training(std::size_t run) const;
    void say_progress(const std::string& line) const;

    using Clock = std::chrono::steady_clock;
    const Study& study_;
    StudyOptions options_;
    const Interrupt& interrupt_;
    std::vector<Standing> standing_;     ///< beside the runs
    std::vector<std::size_t> attempts_;  ///< beside the runs: ended by a signal
    std::vector<Features> features_;     ///< beside the data sets
    std::vector<Job> jobs_;
    Clock::time_point next_look_ = {};
    Clock::duration pause_ = {};
    bool said_waiting_ = false;
};

}  // namespace duet::tools
