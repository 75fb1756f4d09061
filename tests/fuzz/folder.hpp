#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>

#include "../data/support.hpp"

namespace duet::testing {

/// A fuzzer's bytes as the files of a folder, which lasts as long as the object: one after the other a byte
/// for the name, one of `names`, two for the length, little-endian, and the contents. make_corpus.py writes
/// such.
class HostileFolder {
 public:
    HostileFolder(std::span<const std::byte> bytes, std::span<const char* const> names) {
        constexpr std::size_t prefix = 3, most_files = 12;
        std::filesystem::create_directory(path_);
        for (std::size_t i = 0; i < most_files && bytes.size() >= prefix; ++i) {
            const std::filesystem::path path =
                path_ / names[std::to_integer<std::size_t>(bytes[0]) % names.size()];
            const std::size_t said =
                std::to_integer<std::size_t>(bytes[1]) | std::to_integer<std::size_t>(bytes[2]) << 8;
            const std::size_t size = std::min(said, bytes.size() - prefix);
            std::filesystem::create_directories(path.parent_path());
            std::ofstream(path, std::ios::binary)
                .write(reinterpret_cast<const char*>(bytes.data()) + prefix,
                       static_cast<std::streamsize>(size));
            bytes = bytes.subspan(prefix + size);
        }
    }
    HostileFolder(const HostileFolder&) = delete;
    HostileFolder& operator=(const HostileFolder&) = delete;
    ~HostileFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

 private:
    static const std::filesystem::path& parent() {
        static const TemporaryFolder folder;
        return folder.path();
    }

    std::filesystem::path path_ = parent() / "folder";
};

}  // namespace duet::testing
