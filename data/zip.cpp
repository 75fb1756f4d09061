#include <duet/data/zip.hpp>

#define ZLIB_CONST
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <set>

#include <duet/data/sizes.hpp>
#include <duet/graph/error.hpp>

namespace duet {

namespace {

static_assert(std::endian::native == std::endian::little, "the file formats here are little-endian");

constexpr std::uint32_t local_magic = 0x04034b50, central_magic = 0x02014b50, end_magic = 0x06054b50;
constexpr std::size_t local_bytes = 30, central_bytes = 46, end_bytes = 22;
constexpr std::uint32_t beyond_32_bits = 0xffffffff;
constexpr std::size_t most_comment_bytes = 0xffff, most_members = 0xfffe;
constexpr std::uint16_t encrypted = 1, utf8_name = 1 << 11;
constexpr std::uint16_t stored = 0, deflate_method = 8;

template <class T>
T number_at(std::span<const std::byte> bytes, std::size_t at) {
    T number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof(T));
    return number;
}

/// The archive with what errors need.
struct Archive {
    std::span<const std::byte> bytes;
    std::string_view origin;

    [[noreturn]] void reject(const std::string& what) const {
        throw FileError(fmt::format("{}: not a zip archive, or a damaged one: {}", origin, what));
    }
    /// `size` bytes from `at`, which must be there.
    std::span<const std::byte> part(std::uint64_t at, std::uint64_t size, const char* what) const {
        if (at > bytes.size() || size > bytes.size() - at)
            reject(fmt::format("{} of {} bytes at byte {} ends after the archive's {}", what, size, at,
                               bytes.size()));
        return bytes.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(size));
    }
};

struct Directory {
    std::uint64_t begin, bytes, members;
};

/// What the record at the archive's end says: the last one whose comment ends where the archive does.
Directory find_directory(const Archive& archive) {
    const std::size_t size = archive.bytes.size();
    if (size < end_bytes) archive.reject(fmt::format("{} bytes are too few", size));
    const std::size_t first = size - std::min(size, end_bytes + most_comment_bytes);
    for (std::size_t at = size - end_bytes + 1; at-- > first;) {
        const auto record = archive.bytes.subspan(at);
        if (number_at<std::uint32_t>(record, 0) != end_magic ||
            number_at<std::uint16_t>(record, 20) != record.size() - end_bytes)
            continue;
        const auto members = number_at<std::uint16_t>(record, 10);
        const auto bytes = number_at<std::uint32_t>(record, 12), begin = number_at<std::uint32_t>(record, 16);
        if (number_at<std::uint16_t>(record, 4) != 0 || number_at<std::uint16_t>(record, 6) != 0 ||
            number_at<std::uint16_t>(record, 8) != members)
            archive.reject("it is one of several volumes");
        if (members > most_members || begin == beyond_32_bits)
            archive.reject("archives of the ZIP64 format are not read");
        if (std::uint64_t{begin} + bytes != at)
            archive.reject(fmt::format("its directory, {} bytes from byte {}, does not end at byte {}", bytes,
                                       begin, at));
        return {begin, bytes, members};
    }
    archive.reject("it has no end record");
}

/// Where a member's data lie: behind its local header, whose name must be the directory's.
std::span<const std::byte> packed_data(const Archive& archive, const std::string& name, std::uint64_t header,
                                       std::uint64_t size) {
    const auto local = archive.part(header, local_bytes, "a member's header");
    if (number_at<std::uint32_t>(local, 0) != local_magic)
        archive.reject(fmt::format("there is no header of {} at byte {}", quoted_for_message(name), header));
    const auto name_bytes = number_at<std::uint16_t>(local, 26),
               extra_bytes = number_at<std::uint16_t>(local, 28);
    const auto local_name = archive.part(header + local_bytes, name_bytes, "a member's name");
    if (std::string_view(reinterpret_cast<const char*>(local_name.data()), local_name.size()) != name)
        archive.reject(fmt::format("the header of {} has another name", quoted_for_message(name)));
    return archive.part(header + local_bytes + name_bytes + extra_bytes, size, "a member");
}

/// The member whose entry the directory's rest begins with; takes the entry off.
ZipMember take_member(const Archive& archive, std::span<const std::byte>& rest) {
    if (rest.size() < central_bytes || number_at<std::uint32_t>(rest, 0) != central_magic)
        archive.reject("its directory has fewer entries than it says");
    const auto flags = number_at<std::uint16_t>(rest, 8), method = number_at<std::uint16_t>(rest, 10);
    const auto packed = number_at<std::uint32_t>(rest, 20), size = number_at<std::uint32_t>(rest, 24);
    const std::size_t name_bytes = number_at<std::uint16_t>(rest, 28);
    const std::size_t further =
        name_bytes + number_at<std::uint16_t>(rest, 30) + number_at<std::uint16_t>(rest, 32);
    const auto header = number_at<std::uint32_t>(rest, 42);
    if (rest.size() - central_bytes < further) archive.reject("an entry of its directory is cut short");

    ZipMember member;
    member.name.assign(reinterpret_cast<const char*>(rest.data()) + central_bytes, name_bytes);
    member.crc = number_at<std::uint32_t>(rest, 16);
    member.size = size;
    member.deflated = method == deflate_method;
    const std::string name = quoted_for_message(member.name);
    if ((flags & encrypted) != 0) archive.reject(fmt::format("{} is encrypted", name));
    if (method != stored && method != deflate_method)
        archive.reject(
            fmt::format("{} is packed by method {}; expected 0 (stored) or 8 (deflate)", name, method));
    if (packed == beyond_32_bits || size == beyond_32_bits || header == beyond_32_bits)
        archive.reject(fmt::format("{} is of the ZIP64 format, which is not read", name));
    if (member.deflated ? size > (std::uint64_t{packed} + 1) * largest_deflate_ratio : size != packed)
        archive.reject(fmt::format("{} cannot have the {} bytes it says: it takes {} in the archive", name,
                                   size, packed));
    member.packed = packed_data(archive, member.name, header, packed);
    rest = rest.subspan(central_bytes + further);
    return member;
}

void check_members(const Archive& archive, const std::vector<ZipMember>& members) {
    std::set<std::string_view> names;
    std::vector<std::span<const std::byte>> places;
    for (const ZipMember& member : members) {
        if (!names.insert(member.name).second)
            archive.reject(fmt::format("it has two members {}", quoted_for_message(member.name)));
        if (!member.packed.empty()) places.push_back(member.packed);
    }
    std::sort(places.begin(), places.end(), [](auto a, auto b) { return a.data() < b.data(); });
    for (std::size_t i = 1; i < places.size(); ++i)
        if (places[i - 1].data() + places[i - 1].size() > places[i].data())
            archive.reject("two of its members overlap");
}

/// The contents of deflated data; whether they are exactly `size` bytes and the data end there. Memory is
/// taken as it is filled: the size may be a lie.
bool inflate_all(std::span<const std::byte> packed, std::size_t size, Bytes& contents) {
    constexpr std::size_t step = std::size_t{1} << 20;
    constexpr int without_header = -MAX_WBITS;
    z_stream stream{};
    if (inflateInit2(&stream, without_header) != Z_OK) throw std::bad_alloc();
    const std::unique_ptr<z_stream, int (*)(z_stream*)> ending(&stream, inflateEnd);
    contents.reserve(size);
    // Both sizes were read as 32 bits, as zlib has them.
    stream.next_in = reinterpret_cast<const Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    int code = Z_OK;
    Bytef beyond = 0;
    while (code == Z_OK) {
        const std::size_t done = contents.size(), room = std::min(step, size - done);
        contents.resize(done + room);
        stream.next_out = room == 0 ? &beyond : contents.data() + done;
        stream.avail_out = room == 0 ? 1 : static_cast<uInt>(room);
        code = inflate(&stream, Z_NO_FLUSH);
        if (room == 0 && stream.avail_out == 0) return false;
        contents.resize(done + room - (room == 0 ? 0 : stream.avail_out));
    }
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    return code == Z_STREAM_END && stream.avail_in == 0 && contents.size() == size;
}

std::uint32_t crc_of(const Bytes& contents) {
    return static_cast<std::uint32_t>(crc32_z(crc32_z(0, nullptr, 0), contents.data(), contents.size()));
}

/// Little-endian numbers and text, one after the other.
class Record {
 public:
    explicit Record(Bytes& to) : to_(to) {}
    Record& two(std::uint64_t number) { return add(number, 2); }
    Record& four(std::uint64_t number) { return add(number, 4); }
    Record& text(std::string_view text) {
        to_.insert(to_.end(), text.begin(), text.end());
        return *this;
    }

 private:
    Record& add(std::uint64_t number, int bytes) {
        for (int i = 0; i < bytes; ++i) to_.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
        return *this;
    }

    Bytes& to_;
};

/// What local header and directory have in common, from the version to the length of the extra field.
void add_common(Record& record, const ZipSource& file, std::uint32_t crc) {
    constexpr std::uint64_t version = 20, no_time = 0, new_year_1980 = 1 << 5 | 1;
    record.two(version).two(utf8_name).two(stored).two(no_time).two(new_year_1980).four(crc);
    record.four(file.contents.size()).four(file.contents.size()).two(file.name.size()).two(0);
}

void check_sources(std::span<const ZipSource> files) {
    std::set<std::string_view> names;
    std::uint64_t total = end_bytes;
    for (const ZipSource& file : files) {
        if (file.name.empty() || file.name.size() > std::numeric_limits<std::uint16_t>::max() ||
            !names.insert(file.name).second)
            throw Error(
                fmt::format("a zip archive cannot have a member {}: names must have 1 to 65535 bytes and "
                            "differ",
                            quoted_for_message(file.name)));
        total += local_bytes + central_bytes + 2 * file.name.size() + file.contents.size();
    }
    if (files.size() > most_members || total >= beyond_32_bits)
        throw Error(
            fmt::format("{} files of {} bytes together are too much for a zip archive: it holds {} files "
                        "and less than 4 GiB",
                        files.size(), total, most_members));
}

}  // namespace

std::vector<ZipMember> zip_members(std::span<const std::byte> bytes, std::string_view origin) {
    const Archive archive{bytes, origin};
    const Directory directory = find_directory(archive);
    std::span<const std::byte> rest = archive.part(directory.begin, directory.bytes, "its directory");
    std::vector<ZipMember> members;
    members.reserve(std::min<std::uint64_t>(directory.members, directory.bytes / central_bytes));
    for (std::uint64_t i = 0; i < directory.members; ++i) members.push_back(take_member(archive, rest));
    if (!rest.empty()) archive.reject("its directory has more entries than it says");
    check_members(archive, members);
    return members;
}

Bytes unpack(const ZipMember& member, std::string_view origin) {
    Bytes contents;
    bool whole = true;
    if (member.deflated) {
        whole = inflate_all(member.packed, static_cast<std::size_t>(member.size), contents);
    } else {
        const auto* const first = reinterpret_cast<const std::uint8_t*>(member.packed.data());
        contents.assign(first, first + member.packed.size());
    }
    if (!whole || crc_of(contents) != member.crc)
        throw FileError(fmt::format("{}: {} is damaged: {}", origin, quoted_for_message(member.name),
                                    whole ? "its CRC-32 is another"
                                          : fmt::format("it does not unpack to its {} bytes", member.size)));
    return contents;
}

Bytes encode_zip(std::span<const ZipSource> files) {
    check_sources(files);
    Bytes archive, directory;
    Record local(archive), central(directory), end(archive);
    for (const ZipSource& file : files) {
        const std::uint32_t crc = crc_of(file.contents);
        const std::size_t header = archive.size();
        add_common(local.four(local_magic), file, crc);
        local.text(file.name);
        archive.insert(archive.end(), file.contents.begin(), file.contents.end());
        add_common(central.four(central_magic).two(20), file, crc);
        // No comment, first volume, no attributes.
        central.two(0).two(0).two(0).four(0).four(header).text(file.name);
    }
    const std::size_t begin = archive.size();
    archive.insert(archive.end(), directory.begin(), directory.end());
    end.four(end_magic).two(0).two(0).two(files.size()).two(files.size());
    end.four(directory.size()).four(begin).two(0);
    return archive;
}

}  // namespace duet
