#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <duet/data/file.hpp>
#include <duet/data/png.hpp>
#include <duet/data/protobuf_writer.hpp>

namespace duet {

/// A file of TensorBoard's: records of Event messages (tensorboard/compat/proto/event.proto and
/// summary.proto), each framed as TFRecord has it: its length in eight bytes, the masked CRC-32C of these,
/// the message, its masked CRC-32C (tensorflow/core/lib/io/record_writer.h). What is added waits in memory
/// until `flush`.
class EventFile {
 public:
    /// Makes the folder where it is missing, and in it a new file that TensorBoard reads after those already
    /// there: "events.out.tfevents.<seconds>.<host>.<process>.<number>", seconds since 1970, or one more than
    /// the latest there. TensorBoard forgets what earlier files have of `first_step` and later ones: a
    /// training that goes on from a checkpoint gives the step after it. Throws FileError if the folder or the
    /// file cannot be made.
    explicit EventFile(const std::filesystem::path& folder, std::uint64_t first_step = 0);
    /// Writes what is left, if it can.
    ~EventFile();
    EventFile(const EventFile&) = delete;
    EventFile& operator=(const EventFile&) = delete;

    /// One number a name. Names are UTF-8; what precedes a '/' in one groups them on screen. Numbers become
    /// float32. There are as many names as values, which is asserted.
    void add_scalars(std::uint64_t step, std::span<const std::string> names, std::span<const double> values);
    /// A picture. Throws Error as encode_png.
    void add_image(std::uint64_t step, std::string_view name, const Image& image);

    /// Writes what was added. Throws FileError where that fails, for lack of space above all: the file then
    /// ends in its last whole flush, and what was added since is written by the next one.
    void flush();

    const std::filesystem::path& path() const { return path_; }

 private:
    void add_event(const ProtobufWriter& event);

    std::filesystem::path path_;
    int descriptor_ = -1;
    std::uint64_t written_ = 0;  ///< bytes of the file that stand
    Bytes waiting_;
};

/// The masked CRC-32C of TFRecord: rotated right by 15 bits, plus 0xa282ead8.
std::uint32_t masked_crc32c(std::span<const std::byte> bytes);

}  // namespace duet
