#include <duet/data/npz.hpp>

#include <fmt/format.h>

#include <xtensor/xarray.hpp>

#include <duet/data/npy.hpp>
#include <duet/data/zip.hpp>
#include <duet/graph/error.hpp>

namespace duet {

namespace {

constexpr std::string_view array_ending = ".npy", metadata_folder = "__metadata__/";

void check_total(std::span<const ZipMember> members, std::uint64_t max_bytes, std::string_view origin) {
    std::uint64_t total = 0;
    for (const ZipMember& member : members) total += member.size;
    if (total > max_bytes)
        throw FileError(
            fmt::format("{}: unpacks to {} bytes, more than the {} expected here", origin, total, max_bytes));
}

}  // namespace

Bytes encode_npz(const Safetensors& contents) {
    std::vector<ZipSource> files;
    for (const NamedArray& tensor : contents.tensors) {
        if (tensor.name.starts_with(metadata_folder))
            throw Error(fmt::format("an array cannot be saved under the name {}: {} is for metadata",
                                    quoted_for_message(tensor.name), metadata_folder));
        files.push_back({fmt::format("{}{}", tensor.name, array_ending), encode_npy(tensor.value)});
    }
    for (const auto& [key, text] : contents.metadata)
        files.push_back({fmt::format("{}{}", metadata_folder, key), Bytes(text.begin(), text.end())});
    return encode_zip(files);
}

void write_npz(const std::filesystem::path& path, const Safetensors& contents) {
    const Bytes bytes = encode_npz(contents);
    write_file_atomically(path, std::as_bytes(std::span(bytes)));
}

Safetensors read_npz(const std::filesystem::path& path, std::uint64_t max_bytes) {
    const Bytes contents = read_file(path);
    return parse_npz(std::as_bytes(std::span(contents)), path.string(), max_bytes);
}

Safetensors parse_npz(std::span<const std::byte> contents, std::string_view origin, std::uint64_t max_bytes) {
    const std::vector<ZipMember> members = zip_members(contents, origin);
    check_total(members, max_bytes, origin);
    Safetensors result;
    for (const ZipMember& member : members) {
        const std::string_view name = member.name;
        const bool text = name.starts_with(metadata_folder);
        if (!text && !name.ends_with(array_ending))
            throw FileError(fmt::format("{}: has a member {}, which is neither an array (.npy) nor in {}",
                                        origin, quoted_for_message(name), metadata_folder));
        const Bytes unpacked = unpack(member, origin);
        if (text) {
            result.metadata.emplace(name.substr(metadata_folder.size()),
                                    std::string(unpacked.begin(), unpacked.end()));
            continue;
        }
        result.tensors.push_back({std::string(name.substr(0, name.size() - array_ending.size())),
                                  parse_npy(std::as_bytes(std::span(unpacked)),
                                            fmt::format("{}: {}", origin, quoted_for_message(name)))});
    }
    return result;
}

}  // namespace duet
