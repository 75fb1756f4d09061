#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <duet/data/safetensors.hpp>
#include <duet/models/training/state.hpp>

namespace duet::models {

/// The version of the layout of checkpoints. Files of another one are refused.
inline constexpr std::uint64_t checkpoint_schema = 1;

/// What a checkpoint says beside the state.
struct CheckpointNotes {
    std::string recipe;                ///< as format_toml writes it
    std::string fingerprint;           ///< Trainer::fingerprint of who wrote it
    std::string version;               ///< of Duet
    double seconds = 0;                ///< that the training took so far
    std::vector<double> metrics = {};  ///< what Trainer::record held
    /// Bytes of metrics.csv that hold for a training that goes on from here; rows that could not be written
    /// to it yet; and the row that ends it if the training does not go on.
    std::uint64_t metrics_bytes = 0;
    std::string pending_rows = {};
    std::string last_row = {};
    /// The value of the metric that decides which checkpoint is the best, if one is named.
    std::optional<double> best = {};
};

/// A checkpoint: a safetensors file of State::save, whose metadata holds the notes and a CRC-32 (ISO 3309, as
/// zlib computes it) of every name, shape, value and note.
struct Checkpoint {
    Safetensors state;
    CheckpointNotes notes;
};

/// Writes a checkpoint from where the snapshot's values are, with write_file_atomically. Throws Error if a
/// note is not UTF-8, and as that does.
void write_checkpoint(const std::filesystem::path& path, const Snapshot& snapshot,
                      const CheckpointNotes& notes);

/// Throws FileError, naming the path, for what is no checkpoint or is damaged, and Error for one of another
/// schema, which is whole.
Checkpoint read_checkpoint(const std::filesystem::path& path);
Checkpoint parse_checkpoint(std::span<const std::byte> contents, std::string_view origin);

/// The CRC-32 that a checkpoint of these arrays and notes bears under "crc32", in eight hexadecimal digits;
/// what stands there is left out of it.
std::string checkpoint_checksum(const Safetensors& file);

/// Whether a safetensors file says that it is a checkpoint.
bool is_checkpoint(const Safetensors& file);

}  // namespace duet::models
