#include "provenance.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iterator>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <duet/data/file.hpp>
#include <duet/data/sha256.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/runtime/processor.hpp>

#include "commit.hpp"
#include "json_file.hpp"

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

/// What the shell was given.
std::string command_line() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    const std::string arguments{std::istreambuf_iterator<char>(file), {}};
    std::string line;
    for (std::size_t at = 0; at < arguments.size();) {
        const std::string argument = arguments.c_str() + at;
        at += argument.size() + 1;
        line += (line.empty() ? "" : " ") + quoted_for_shell(argument);
    }
    return line;
}

}  // namespace

std::string quoted_for_shell(const std::string& argument) {
    const auto is_plain = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') ||
               std::string_view("-_./=,:+@%").find(letter) != std::string_view::npos;
    };
    if (!argument.empty() && std::all_of(argument.begin(), argument.end(), is_plain)) return argument;
    std::string quoted = "'";
    for (const char letter : argument)
        quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return quoted + "'";
}

std::string time_text() {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    const std::tm local = fmt::localtime(now);
    std::string text = fmt::format("{:%Y-%m-%dT%H:%M:%S%z}", local);
    return text.insert(text.size() - 2, ":");
}

std::string sha256_of_file(const fs::path& path) {
    std::error_code error;
    if (!fs::exists(path, error)) return "";
    const Bytes contents = read_file(path);
    return sha256(std::as_bytes(std::span(contents)));
}

nlohmann::json read_provenance(const fs::path& run) {
    return read_json(run / "run.json", "duet train");
}

std::string state_said(const fs::path& run) {
    try {
        return text_in(read_provenance(run), "state");
    } catch (const FileError&) {
        return {};
    }
}

std::optional<std::uint64_t> finished_after(const fs::path& run) {
    std::error_code error;
    if (state_said(run) != "finished" || !fs::exists(run / "weights.safetensors", error)) return std::nullopt;
    const nlohmann::json json = read_provenance(run);
    const auto steps = json.find("steps");
    if (steps == json.end() || !steps->is_number_unsigned()) return std::nullopt;
    return steps->get<std::uint64_t>();
}

Provenance::Provenance(fs::path path, const Spec& recipe, std::size_t threads, std::uint64_t resumed_from)
    : path_(std::move(path)),
      recipe_(recipe),
      threads_(threads),
      resumed_from_(resumed_from),
      started_(time_text()),
      begun_(started_) {
    if (resumed_from_ == 0) return;
    try {
        begun_ = read_provenance(path_.parent_path()).value("begun", started_);
    } catch (const std::exception&) {
        begun_ = started_;  // the file that said so is gone
    }
}

std::string Provenance::text(const std::string& how, double seconds, const models::State* state,
                             bool checkpoint) const {
    nlohmann::ordered_json json;
    json["state"] = how;
    json["version"] = DUET_VERSION;
    json["commit"] = DUET_COMMIT;
    json["compiler"] = DUET_COMPILER;
    json["processor"] = processor_name();
    json["threads"] = threads_;
    json["command"] = command_line();
    json["begun"] = begun_;
    json["started"] = started_;
    if (resumed_from_ > 0) json["resumed_from"] = resumed_from_;
    json["data"] = {{"path", recipe_.text("data.path")}, {"sha256", recipe_.text("data.sha256")}};
    if (state != nullptr) {
        json["ended"] = time_text();
        json["seconds"] = std::round(1000 * seconds) / 1000;
        json["steps"] = state->at.step;
        const fs::path folder = path_.parent_path();
        if (checkpoint) json["sha256"]["state"] = sha256(state->views());
        for (const char* name : {"weights.safetensors", "metrics.csv", "recipe.toml"})
            json["sha256"][name] = sha256_of_file(folder / name);
    }
    return json_text(json, 4) + "\n";
}

void Provenance::write_start() const {
    write_file_atomically(path_, text("running", 0, nullptr, false));
}

void Provenance::write_end(const std::string& how, double seconds, const models::State& state,
                           bool checkpoint) const {
    write_file_atomically(path_, text(how, seconds, &state, checkpoint));
}

}  // namespace duet::tools
