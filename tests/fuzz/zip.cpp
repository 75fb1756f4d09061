#include <duet/data/zip.hpp>

#include "reader.hpp"

/// libFuzzer's entry: an archive.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return duet::testing::read_hostile(data, size, [](auto contents) {
        for (const duet::ZipMember& member : duet::zip_members(contents, "fuzz"))
            if (member.size <= duet::testing::most_unpacked) duet::unpack(member, "fuzz");
    });
}
