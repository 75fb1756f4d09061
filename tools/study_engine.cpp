#include "study_engine.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include <duet/data/load_images.hpp>
#include <duet/graph/error.hpp>

#include "output.hpp"
#include "provenance.hpp"
#include "run_folder.hpp"
#include "study_results.hpp"

namespace duet::tools {

namespace fs = std::filesystem;

using namespace std::chrono_literals;

namespace {

constexpr int signal_base = 128;
constexpr std::size_t most_attempts = 3;
constexpr std::chrono::steady_clock::duration shortest_pause = 50ms, longest_pause = 2s;

/// While it lives, the end of a child waits to be asked for.
class ChildSignal {
 public:
    ChildSignal() {
        std::signal(SIGCHLD, SIG_DFL);
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGCHLD);
        pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    }
    ~ChildSignal() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    ChildSignal(const ChildSignal&) = delete;
    ChildSignal& operator=(const ChildSignal&) = delete;

 private:
    sigset_t signals_{}, before_{};
};

/// Until a child ends, a signal comes, or the time is over.
void wait_for_child(std::chrono::nanoseconds most) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(most);
    const timespec timeout{static_cast<time_t>(seconds.count()), static_cast<long>((most - seconds).count())};
    sigtimedwait(&signals, nullptr, &timeout);
}

/// Makes the folder of a run where it is missing; another process may be doing the same.
void make_run_folder(const fs::path& run) {
    try {
        check_run_folder(run);
    } catch (const Error&) {
        if (!is_run(run)) throw;
    }
    make_folder(run);
}

}  // namespace

StudyEngine::StudyEngine(const Study& study, StudyOptions options, const Interrupt& interrupt)
    : study_(study),
      options_(std::move(options)),
      interrupt_(interrupt),
      standing_(study.runs.size(), Standing::open),
      attempts_(study.runs.size(), 0),
      features_(study.data.size(), Features::unknown) {}

bool StudyEngine::run() {
    const ChildSignal child_signal;
    make_folder(options_.out);
    for (std::size_t i = 0; i < study_.runs.size(); ++i) {
        if (options_.retry_failed) forget_failure(options_.out, study_, study_.runs[i]);
        if (read_record(options_.out, study_, study_.runs[i])) standing_[i] = Standing::settled;
    }
    say_progress(fmt::format("{} runs in {}, {} left", study_.runs.size(), options_.out.string(), left()));
    check_recipes();
    try {
        while (left() > 0) {
            if (interrupt_.requested()) {
                end_all(interrupt_.received());
                return left() == 0;
            }
            const bool ended = collect();
            if (ended) next_look_ = {};
            if (!start() && !ended) wait();
        }
    } catch (...) {
        end_all(SIGTERM);
        throw;
    }
    return true;
}

/// What is wrong with a recipe is said before anything is trained; one that has a run begun is right.
void StudyEngine::check_recipes() const {
    for (std::size_t recipe = 0; recipe < study_.recipes.size(); ++recipe)
        for (const std::size_t data : study_.recipes[recipe].data) {
            std::optional<std::size_t> first;
            bool begun = false;
            for (std::size_t i = 0; i < study_.runs.size(); ++i) {
                if (study_.runs[i].recipe != recipe || study_.runs[i].data != data) continue;
                begun |= fs::exists(folder(i) / "recipe.toml");
                if (!first) first = i;
            }
            if (begun || interrupt_.requested()) continue;
            Words words = training(*first);
            words.emplace_back("--print-recipe");
            Child child(words);
            if (child.wait() != 0 && !interrupt_.requested())
                throw Error(fmt::format("{}: {}", study_.runs[*first].name, child.error()));
        }
}

bool StudyEngine::collect() {
    bool any = false;
    for (Job& job : jobs_)
        if (const auto code = job.child->ended()) {
            advance(job, *code);
            any = true;
        }
    std::erase_if(jobs_, [](const Job& job) { return job.child == nullptr; });
    return any;
}

void StudyEngine::advance(Job& job, int code) {
    if (job.stage == Stage::network) return advance_network(job, code);
    const std::string error = job.child->error();
    const std::string& name = study_.runs[job.index].name;
    if (code > signal_base) return drop(job, error);
    if (job.stage == Stage::evaluation) return code == 0 ? done(job) : fail(job, "evaluation: " + error);
    if (code == 2) throw Error(fmt::format("{}: {}", name, error));
    if (code != 0) return fail(job, error);
    if (!finished_after(folder(job.index))) return fail(job, "the training ended, but is not finished");
    evaluate(job);
}

void StudyEngine::advance_network(Job& job, int code) {
    const std::string error =
        fmt::format("the feature network of {}: {}", study_.data[job.index].name, job.child->error());
    features_[job.index] = Features::missing;
    job.child.reset();
    if (code == 2) throw Error(error);
    if (code != 0) throw StorageError(error);
}

/// Where the network is still being made, the run is left until it is there.
void StudyEngine::evaluate(Job& job) {
    const StudyRun& run = study_.runs[job.index];
    look_for_network(run.data);
    const Features features = features_[run.data];
    job.child.reset();
    if (features != Features::ready && features != Features::none) {
        standing_[job.index] = Standing::open;
        return;
    }
    const fs::path folder = this->folder(job.index);
    Words words = {"evaluate",
                   folder.string(),
                   "--data=" + study_.data[run.data].path,
                   "--no-anchors",
                   "--json=" + (folder / evaluation_file).string(),
                   fmt::format("--count={}", study_.count),
                   fmt::format("--threads={}", options_.threads)};
    if (features == Features::ready)
        words.push_back("--network=" + (options_.out / study_.network(run.data)).string());
    job.stage = Stage::evaluation;
    job.child = std::make_unique<Child>(words, folder / "study.log", job.lock.descriptor());
}

void StudyEngine::drop(Job& job, const std::string& why) {
    if (++attempts_[job.index] >= most_attempts)
        return fail(job, fmt::format("{}, {} times", why, most_attempts));
    say_progress(fmt::format("{} {}: it is tried again", study_.runs[job.index].name, why));
    standing_[job.index] = Standing::open;
    job.child.reset();
}

void StudyEngine::fail(Job& job, const std::string& why) {
    const StudyRun& run = study_.runs[job.index];
    const StudyRecord record{study_.asked(run), why};
    write_record(options_.out, run, record);
    settle(job.index, record);
    job.child.reset();
}

void StudyEngine::done(Job& job) {
    const StudyRun& run = study_.runs[job.index];
    const StudyRecord record{study_.asked(run), ""};
    write_record(options_.out, run, record);
    settle(job.index, record);
    job.child.reset();
}

void StudyEngine::settle(std::size_t run, const StudyRecord& record) {
    standing_[run] = Standing::settled;
    if (options_.quiet) return;
    const std::string result = record.failure.empty() ? line_of(read_result(folder(run)), study_.metrics)
                                                      : "failed: " + record.failure;
    say_progress(fmt::format("{}: {}; {} left", study_.runs[run].name, result, left()));
}

bool StudyEngine::look_at(std::size_t run) {
    const auto record = read_record(options_.out, study_, study_.runs[run]);
    if (record) settle(run, *record);
    return record.has_value();
}

void StudyEngine::look_for_network(std::size_t data) {
    Features& features = features_[data];
    if (features != Features::unknown && features != Features::missing) return;
    if (fs::exists(options_.out / study_.network(data)))
        features = Features::ready;
    else if (features == Features::unknown)
        features = load_images(study_.data[data].path, Split::train).has_labels() ? Features::missing
                                                                                  : Features::none;
}

bool StudyEngine::start() {
    if (!is_free() || Clock::now() < next_look_) return false;
    const std::size_t before = left();
    const bool networks = start_networks(), any = start_runs() || networks || left() < before;
    pause_ = any ? shortest_pause : std::clamp<Clock::duration>(2 * pause_, shortest_pause, longest_pause);
    next_look_ = Clock::now() + pause_;
    if (!any && jobs_.empty() && left() > 0 && !said_waiting_) {
        said_waiting_ = true;
        say_progress(fmt::format("waiting for {} runs that other processes work on", left()));
    }
    return any;
}

bool StudyEngine::start_networks() {
    bool any = false;
    for (std::size_t i = 0; i < study_.data.size() && is_free(); ++i) {
        bool needed = false;
        for (std::size_t k = 0; k < study_.runs.size(); ++k)
            needed |= study_.runs[k].data == i && standing_[k] != Standing::settled;
        if (!needed) continue;
        look_for_network(i);
        if (features_[i] != Features::missing) continue;
        const fs::path file = options_.out / study_.network(i);
        std::optional<SharedLock> lock = SharedLock::take(file.string() + ".lock");
        if (!lock || fs::exists(file)) continue;
        Words words = {"features", "--data=" + study_.data[i].path, "--out=" + file.string(),
                       fmt::format("--threads={}", options_.threads)};
        if (study_.feature_epochs) words.push_back(fmt::format("--set=epochs={}", *study_.feature_epochs));
        auto child = std::make_unique<Child>(words, file.string() + ".log", lock->descriptor());
        jobs_.push_back({Stage::network, i, std::move(*lock), std::move(child)});
        features_[i] = Features::mine;
        any = true;
    }
    return any;
}

bool StudyEngine::start_runs() {
    bool any = false;
    for (std::size_t i = 0; i < study_.runs.size() && is_free(); ++i) {
        if (standing_[i] != Standing::open || look_at(i)) continue;
        look_for_network(study_.runs[i].data);
        const Features features = features_[study_.runs[i].data];
        if (features != Features::ready && features != Features::none && finished_after(folder(i))) continue;
        make_run_folder(folder(i));
        std::optional<SharedLock> lock = SharedLock::take(mark_of(folder(i)));
        if (!lock || look_at(i)) continue;
        auto child = std::make_unique<Child>(training(i), folder(i) / "study.log", lock->descriptor());
        jobs_.push_back({Stage::training, i, std::move(*lock), std::move(child)});
        standing_[i] = Standing::mine;
        any = true;
    }
    return any;
}

void StudyEngine::wait() {
    const Clock::duration longest = 500ms;
    const auto most =
        is_free() ? std::clamp<Clock::duration>(next_look_ - Clock::now(), 1ms, longest) : longest;
    wait_for_child(most);
}

void StudyEngine::end_all(int signal) {
    for (const Job& job : jobs_)
        if (job.child) job.child->send(signal);
    for (Job& job : jobs_)
        if (job.child && job.child->wait() == 0 && job.stage == Stage::evaluation) done(job);
    jobs_.clear();
}

std::size_t StudyEngine::left() const {
    return standing_.size() -
           static_cast<std::size_t>(std::count(standing_.begin(), standing_.end(), Standing::settled));
}

Words StudyEngine::training(std::size_t run) const {
    Words words = study_.training(study_.runs[run]);
    words.insert(words.begin(), "train");
    words.insert(words.end(),
                 {"--out=" + folder(run).string(), fmt::format("--threads={}", options_.threads), "--quiet"});
    return words;
}

void StudyEngine::say_progress(const std::string& line) const {
    if (!options_.quiet) write_without_signal(STDERR_FILENO, line + "\n");
}

}  // namespace duet::tools
