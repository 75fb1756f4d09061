#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace duet::tools {

/// Does jobs one after the other on a thread of its own, of the lowest priority, where the system starts one,
/// and else at once.
class Background {
 public:
    Background();
    /// Waits for all of them.
    ~Background();
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    /// Waits while four others are not done. A job that throws is a failure, called `what`.
    void add(std::string what, std::function<void()> job);
    bool busy() const;
    void wait();
    /// Of the jobs that failed since it was asked last: "<what>: <why>".
    std::vector<std::string> take_failures();

 private:
    using Job = std::pair<std::string, std::function<void()>>;
    void work();
    void run(const Job& job);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> jobs_;  ///< the first is being done
    std::vector<std::string> failures_;
    bool lost_failures_ = false;  ///< there was no memory to say which
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace duet::tools
