#include <cstddef>
#include <cstdint>
#include <span>

#include <duet/data/cifar.hpp>
#include <duet/data/gzip.hpp>
#include <duet/data/idx.hpp>
#include <duet/data/npy.hpp>
#include <duet/data/npz.hpp>
#include <duet/data/png.hpp>
#include <duet/data/png_text.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/data/zip.hpp>
#include <duet/graph/error.hpp>

/// libFuzzer's entry: the first byte chooses a reader, the rest is the file. Readers may refuse with
/// FileError; anything else that leaves them is a fault.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto contents = std::as_bytes(std::span(data, size)).subspan(1);
    constexpr std::uint64_t most_decompressed = 1 << 24;
    try {
        switch (data[0] % 10) {
            case 0:
                duet::parse_idx(contents, "fuzz");
                break;
            case 1:
                duet::gunzip(contents, most_decompressed, "fuzz");
                break;
            case 2:
                duet::parse_png(contents, "fuzz");
                break;
            case 3:
                duet::parse_npy(contents, "fuzz");
                break;
            case 4:
                duet::parse_safetensors_as<float>(contents, "fuzz");
                break;
            case 6:
                duet::parse_npz(contents, "fuzz", most_decompressed);
                break;
            case 7:
                for (const duet::ZipMember& member : duet::zip_members(contents, "fuzz"))
                    if (member.size <= most_decompressed) duet::unpack(member, "fuzz");
                break;
            case 5:
                duet::parse_cifar10(contents, "fuzz");
                break;
            case 8:
                duet::parse_png_texts(contents, "fuzz");
                break;
            default:
                duet::parse_safetensors_as<double>(contents, "fuzz");
                break;
        }
    } catch (const duet::FileError&) {
    }
    return 0;
}
