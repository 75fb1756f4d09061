#include <duet/data/event_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <system_error>

#include <duet/data/crc32c.hpp>
#include <duet/graph/error.hpp>

namespace duet {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view file_start = "events.out.tfevents.";
// Event, SessionLog, Summary, Summary.Value, Summary.Image.
constexpr std::uint32_t event_wall_time = 1, event_step = 2, event_file_version = 3, event_summary = 5,
                        event_session_log = 7;
constexpr std::uint32_t session_status = 1;
constexpr std::int64_t session_starts = 1;
constexpr std::uint32_t summary_value = 1, value_tag = 1, value_simple = 2, value_image = 4;
constexpr std::uint32_t image_height = 1, image_width = 2, image_colorspace = 3, image_encoded = 4;

std::chrono::duration<double> since_1970() {
    return std::chrono::system_clock::now().time_since_epoch();
}

/// The latest second that a file in the folder is named after; 0 without any.
std::uint64_t latest_in(const fs::path& folder) {
    // A name with more digits than that is not ours, and is passed over.
    constexpr std::uint64_t largest = 9'999'999'999;
    std::uint64_t latest = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(file_start)) continue;
        std::uint64_t seconds = 0;
        const auto read =
            std::from_chars(name.data() + file_start.size(), name.data() + name.size(), seconds);
        if (read.ec == std::errc() && seconds < largest) latest = std::max(latest, seconds);
    }
    return latest;
}

std::string host_name() {
    char name[256] = {};
    if (::gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return "localhost";
    std::string host = name;
    std::replace(host.begin(), host.end(), '/', '-');
    return host;
}

void append(Bytes& to, const void* from, std::size_t size) {
    const auto* const bytes = static_cast<const std::uint8_t*>(from);
    to.insert(to.end(), bytes, bytes + size);
}

ProtobufWriter event_of(std::uint64_t step) {
    ProtobufWriter event;
    event.add_double(event_wall_time, since_1970().count());
    event.add_integer(event_step, static_cast<std::int64_t>(step));
    return event;
}

}  // namespace

std::uint32_t masked_crc32c(std::span<const std::byte> bytes) {
    const std::uint32_t sum = crc32c(bytes);
    return (sum >> 15 | sum << 17) + 0xa282ead8U;
}

EventFile::EventFile(const fs::path& folder, std::uint64_t first_step) {
    ProtobufWriter version;
    version.add_double(event_wall_time, since_1970().count());
    version.add_text(event_file_version, "brain.Event:2");
    add_event(version);
    // A session that starts: the second one and later ones purge.
    ProtobufWriter session, event = event_of(first_step);
    session.add_integer(session_status, session_starts);
    event.add_message(event_session_log, session);
    add_event(event);

    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed)
        throw FileError(fmt::format("cannot make the folder {}: {}", folder.string(), failed.message()));
    std::uint64_t seconds = 0;
    try {
        seconds = std::max(static_cast<std::uint64_t>(since_1970().count()), latest_in(folder) + 1);
    } catch (const fs::filesystem_error& error) {
        throw FileError(
            fmt::format("cannot read the folder {}: {}", folder.string(), error.code().message()));
    }
    constexpr int most_attempts = 1000;
    for (int number = 0; number < most_attempts && descriptor_ < 0; ++number) {
        path_ =
            folder / fmt::format("{}{:010}.{}.{}.{}", file_start, seconds, host_name(), ::getpid(), number);
        descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor_ < 0 && errno != EEXIST && errno != EINTR) break;
    }
    if (descriptor_ < 0)
        throw FileError(
            fmt::format("cannot make {}: {}", path_.string(), std::generic_category().message(errno)));
}

EventFile::~EventFile() {
    try {
        flush();
    } catch (const Error&) {  // nobody is left to be told
    }
    ::close(descriptor_);
}

void EventFile::add_event(const ProtobufWriter& event) {
    const Bytes& message = event.bytes();
    const std::uint64_t length = message.size();
    const std::uint32_t length_sum = masked_crc32c(std::as_bytes(std::span(&length, 1)));
    const std::uint32_t message_sum = masked_crc32c(std::as_bytes(std::span(message)));
    append(waiting_, &length, sizeof(length));
    append(waiting_, &length_sum, sizeof(length_sum));
    append(waiting_, message.data(), message.size());
    append(waiting_, &message_sum, sizeof(message_sum));
}

void EventFile::add_scalars(std::uint64_t step, std::span<const std::string> names,
                            std::span<const double> values) {
    assert(names.size() == values.size());
    ProtobufWriter summary, event = event_of(step);
    for (std::size_t i = 0; i < names.size(); ++i) {
        ProtobufWriter value;
        value.add_text(value_tag, names[i]);
        value.add_float(value_simple, static_cast<float>(values[i]));
        summary.add_message(summary_value, value);
    }
    event.add_message(event_summary, summary);
    add_event(event);
}

void EventFile::add_image(std::uint64_t step, std::string_view name, const Image& image) {
    ProtobufWriter picture, value, summary, event = event_of(step);
    picture.add_integer(image_height, static_cast<std::int64_t>(image.height));
    picture.add_integer(image_width, static_cast<std::int64_t>(image.width));
    picture.add_integer(image_colorspace, static_cast<std::int64_t>(image.channels));
    const Bytes png = encode_png(image);
    picture.add_bytes(image_encoded, std::as_bytes(std::span(png)));
    value.add_text(value_tag, name);
    value.add_message(value_image, picture);
    summary.add_message(summary_value, value);
    event.add_message(event_summary, summary);
    add_event(event);
}

void EventFile::flush() {
    std::size_t done = 0;
    while (done < waiting_.size()) {
        const auto written = ::pwrite(descriptor_, waiting_.data() + done, waiting_.size() - done,
                                      static_cast<off_t>(written_ + done));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const int error_number = errno;
            // What was written of a record would be the end for a reader; the next flush writes over it
            // anyway.
            [[maybe_unused]] const int cut = ::ftruncate(descriptor_, static_cast<off_t>(written_));
            throw FileError(fmt::format("cannot write {}: {}", path_.string(),
                                        std::generic_category().message(error_number)));
        }
        done += static_cast<std::size_t>(written);
    }
    written_ += done;
    waiting_.clear();
}

}  // namespace duet
