#include "background.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <new>
#include <system_error>

#include <fmt/format.h>

namespace duet::tools {

namespace {

constexpr std::size_t most_jobs = 4;
constexpr int niceness = 19;

}  // namespace

Background::Background() {
    // Signals are for the thread that trains.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        thread_ = std::thread([this] { work(); });
    } catch (const std::system_error&) {
        // `add` does the work.
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Background::~Background() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Background::add(std::string what, std::function<void()> job) {
    Job added(std::move(what), std::move(job));
    if (!thread_.joinable()) {
        run(added);
        return;
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return jobs_.size() < most_jobs; });
    jobs_.push_back(std::move(added));
    changed_.notify_all();
}

bool Background::busy() const {
    const std::lock_guard lock(mutex_);
    return !jobs_.empty();
}

void Background::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return jobs_.empty(); });
}

std::vector<std::string> Background::take_failures() {
    const std::lock_guard lock(mutex_);
    if (lost_failures_) failures_.push_back("not all is written: not enough memory");
    lost_failures_ = false;
    return std::exchange(failures_, {});
}

void Background::run(const Job& job) {
    try {
        job.second();
    } catch (const std::exception& error) {
        const std::lock_guard lock(mutex_);
        try {
            failures_.push_back(fmt::format("{}: {}", job.first, error.what()));
        } catch (const std::bad_alloc&) {
            lost_failures_ = true;
        }
    }
}

void Background::work() {
    // Steps come first. A thread of Linux has a niceness of its own.
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return !jobs_.empty() || ending_; });
        if (jobs_.empty()) return;
        const Job& job = jobs_.front();
        lock.unlock();
        run(job);
        lock.lock();
        jobs_.pop_front();
        changed_.notify_all();
    }
}

}  // namespace duet::tools
