#include "trace.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <duet/data/file.hpp>

#include "json_file.hpp"

namespace duet::tools {

void Trace::add(std::uint64_t step, const models::Trainer& trainer) {
    for (const auto& [purpose, program] : trainer.programs()) {
        double end = 0;
        for (const InstructionTime& time : program->times()) {
            nlohmann::ordered_json event;
            event["name"] = time.name;
            event["cat"] = purpose;
            event["ph"] = "X";
            event["ts"] = now_ + time.start;
            event["dur"] = time.duration;
            event["pid"] = 0;
            event["tid"] = time.thread;
            event["args"] = {{"step", step},
                             {"flops", time.flops},
                             {"bytes", time.bytes},
                             {"GFLOP/s", time.duration > 0 ? time.flops / time.duration / 1e3 : 0.0}};
            events_ += (events_.empty() ? "" : ",\n") + json_text(event);
            end = std::max(end, time.start + time.duration);
        }
        now_ += end;
    }
}

void Trace::write(const std::filesystem::path& path) const {
    const std::string text =
        fmt::format("{{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n{}\n]}}\n", events_);
    write_file_atomically(path, std::as_bytes(std::span(text)));
}

}  // namespace duet::tools
