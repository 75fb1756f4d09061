#include <duet/models/training/event_log.hpp>

namespace duet::models {

// Pictures of a step are drawn after it: those of `resumed_at` itself stand.
EventLog::EventLog(const std::filesystem::path& folder, std::optional<std::uint64_t> resumed_at)
    : file_(folder, resumed_at ? *resumed_at + 1 : 0) {}

void EventLog::see(const Record& record) {
    file_.add_scalars(record.step, record.names, record.values);
}

void EventLog::add_picture(std::uint64_t step, const Image& picture, const std::string& name) {
    file_.add_image(step, name, picture);
}

void EventLog::flush() {
    file_.flush();
}

}  // namespace duet::models
