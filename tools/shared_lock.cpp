#include "shared_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <duet/data/file.hpp>

namespace duet::tools {

namespace fs = std::filesystem;

std::optional<SharedLock> SharedLock::take(const fs::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) throw_file_error("open", file, errno);
    SharedLock lock(descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        return is_same_file(descriptor, file) ? std::optional(std::move(lock)) : std::nullopt;
    if (errno != EWOULDBLOCK && errno != EINTR) throw_file_error("lock", file, errno);
    return std::nullopt;
}

SharedLock::~SharedLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

SharedLock::SharedLock(SharedLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

SharedLock& SharedLock::operator=(SharedLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

int inherited_lock(const fs::path& file) {
    const char* given = std::getenv(SharedLock::given_variable);
    if (given == nullptr || std::string_view(given) != std::to_string(SharedLock::given_descriptor) ||
        !is_same_file(SharedLock::given_descriptor, file) ||
        ::flock(SharedLock::given_descriptor, LOCK_EX | LOCK_NB) != 0)
        return -1;
    return ::fcntl(SharedLock::given_descriptor, F_DUPFD_CLOEXEC, SharedLock::given_descriptor);
}

bool is_same_file(int descriptor, const fs::path& path) {
    struct stat held {
    }, found{};
    return ::fstat(descriptor, &held) == 0 && ::stat(path.c_str(), &found) == 0 &&
           held.st_dev == found.st_dev && held.st_ino == found.st_ino;
}

}  // namespace duet::tools
