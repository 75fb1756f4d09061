#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <duet/data/spec.hpp>
#include <duet/models/training/state.hpp>

namespace duet::tools {

/// run.json of a run: who made it, from what, and what came out. It is written when a run starts and again
/// when it ends; what was not known yet is missing.
class Provenance {
 public:
    /// Of the process that runs now. `resumed_from` is the step that it goes on from.
    Provenance(std::filesystem::path path, const Spec& recipe, std::size_t threads,
               std::uint64_t resumed_from);

    /// Writes that the run goes on. Throws StorageError.
    void write_start() const;
    /// Writes how it ended, "finished", "interrupted" or "failed", with the hashes of the files and, if a
    /// checkpoint holds it, of the state. Throws StorageError.
    void write_end(const std::string& how, double seconds, const models::State& state, bool checkpoint) const;

 private:
    std::string text(const std::string& how, double seconds, const models::State* state,
                     bool checkpoint) const;

    std::filesystem::path path_;
    const Spec& recipe_;
    std::size_t threads_;
    std::uint64_t resumed_from_;
    std::string started_, begun_;
};

/// What a run.json holds. Throws FileError if it is missing or no object.
nlohmann::json read_provenance(const std::filesystem::path& run);

/// How a run stands by its run.json, such as "interrupted" or "failed"; empty if that says nothing.
std::string state_said(const std::filesystem::path& run);

/// After how many steps a run finished, by its run.json; nothing if it has not, or its weights are not there.
std::optional<std::uint64_t> finished_after(const std::filesystem::path& run);

/// An argument as a shell takes it, in quotes where it needs them.
std::string quoted_for_shell(const std::string& argument);

/// A time of the present, local, as ISO 8601 writes it: "2026-11-25T22:14:07+00:00".
std::string time_text();

/// SHA-256 of a file; empty if it is missing. Throws FileError if it cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace duet::tools
