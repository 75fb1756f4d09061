#pragma once

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>

namespace duet::testing {

/// A folder that lives as long as the object.
class TemporaryFolder {
 public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "duet-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }
    std::size_t entries() const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++count;
        return count;
    }

 private:
    std::filesystem::path path_;
};

inline std::span<const std::byte> view(const Bytes& bytes) {
    return std::as_bytes(std::span(bytes));
}
inline std::span<const std::byte> view(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// The message of the FileError that `call` throws; empty if it throws none.
inline std::string file_error_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const FileError& error) {
        return error.what();
    }
    return {};
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// An IDX file of unsigned bytes: the values are 0, 1, 2, ... modulo 251.
inline Bytes idx_file(std::initializer_list<std::uint32_t> shape) {
    Bytes bytes = {0, 0, 8, static_cast<std::uint8_t>(shape.size())};
    std::size_t count = 1;
    for (const std::uint32_t size : shape) {
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(size >> shift));
        count *= size;
    }
    for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(i % 251));
    return bytes;
}

/// `bytes` as a gzip file of one member.
Bytes gzip(const Bytes& bytes);

/// Gives `read` every proper prefix of `good`, which it must refuse with a FileError.
template <class Read>
bool refuses_every_prefix(const Bytes& good, Read read) {
    for (std::size_t size = 0; size < good.size(); ++size) {
        // A buffer of its own, so that a sanitizer sees any read past its end.
        const Bytes prefix(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
        try {
            read(view(prefix));
            return false;
        } catch (const FileError&) {
        }
    }
    return true;
}

/// Gives `read` `count` damaged forms of `good`, the same in every run. Anything but success or a FileError
/// escapes. Returns how many were refused.
template <class Read>
std::size_t refused_mutations(const Bytes& good, std::size_t count, std::uint64_t seed, Read read) {
    std::mt19937_64 random(seed);
    constexpr std::uint8_t notable[] = {0, 1, 0x7f, 0x80, 0xff, '"', '[', '{', '0', '9', ',', ' '};
    std::size_t refused = 0;
    for (std::size_t i = 0; i < count; ++i) {
        Bytes bytes = good;
        const std::size_t changes = 1 + random() % 4;
        for (std::size_t change = 0; change < changes && !bytes.empty(); ++change) {
            const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(random() % bytes.size());
            // Headers stand in front, so half of the damage goes to the first 64 bytes.
            const auto spot = random() % 2 == 0 ? at : bytes.begin() + (at - bytes.begin()) % 64;
            switch (random() % 6) {
                case 0:
                    *spot ^= static_cast<std::uint8_t>(1U << random() % 8);
                    break;
                case 1:
                    *spot = notable[random() % std::size(notable)];
                    break;
                case 2:
                    *spot = static_cast<std::uint8_t>(random());
                    break;
                case 3:
                    bytes.erase(spot, bytes.begin() + std::min<std::ptrdiff_t>(
                                                          spot - bytes.begin() + 1 +
                                                              static_cast<std::ptrdiff_t>(random() % 8),
                                                          std::ssize(bytes)));
                    break;
                case 4:
                    bytes.insert(spot, notable[random() % std::size(notable)]);
                    break;
                default:
                    bytes.resize(static_cast<std::size_t>(at - bytes.begin()));
                    break;
            }
        }
        bytes.shrink_to_fit();
        try {
            read(view(bytes));
        } catch (const FileError&) {
            ++refused;
        }
    }
    return refused;
}

}  // namespace duet::testing
