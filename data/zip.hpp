#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <duet/data/file.hpp>

namespace duet {

/// A file within a zip archive, as the archive's directory describes it. What `packed` holds is the archive's
/// own memory.
struct ZipMember {
    std::string name;
    std::span<const std::byte> packed;
    std::uint64_t size = 0;  ///< bytes when unpacked
    std::uint32_t crc = 0;   ///< CRC-32 of those
    bool deflated = false;   ///< else stored as they are
};

/// The members of a zip archive, in the directory's order: PKWARE's APPNOTE 6.3.10,
/// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. Throws FileError, naming `origin` and the
/// member, for anything that is not a whole archive of one volume below 4 GiB, without encryption, whose
/// members are stored or deflated, differ in their names, do not overlap each other, and are not larger than
/// deflate can make them of what they take.
std::vector<ZipMember> zip_members(std::span<const std::byte> archive, std::string_view origin);

/// A member's contents. Throws FileError where they are not as long as `size` says or do not have its CRC.
Bytes unpack(const ZipMember& member, std::string_view origin);

/// A file to be put into an archive.
struct ZipSource {
    std::string name;
    Bytes contents;
};

/// An archive of these files, stored, dated 1980-01-01: the same files give the same bytes. Throws Error for
/// an archive above 4 GiB or of more than 65,534 files, and for names that are empty, longer than 65,535
/// bytes or given twice.
Bytes encode_zip(std::span<const ZipSource> files);

}  // namespace duet
