#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <duet/data/spec.hpp>

namespace duet {

/// The most bytes of a TOML document that is read: 1 MiB.
inline constexpr std::uint64_t max_toml_bytes = std::uint64_t{1} << 20;

/// A TOML document as a spec (toml.io, version 1.0, read by toml++). `origin` is what messages and
/// Value::from call it; each value is from "<origin>:<line>". Throws FileError, naming origin and line, for
/// what is no TOML, for dates and times, for numbers that are not finite, for a kind that is empty, for
/// what stands deeper than most_levels, and for more than max_toml_bytes.
Spec parse_toml(std::string_view text, std::string_view origin);

/// A file's.
Spec read_toml(const std::filesystem::path& path);

/// One TOML value such as 3e-4, "text" or [1, 2], from `origin`; what is no TOML is a number such as .5,
/// or a text of its own, so that names need no quotes. Throws Error as parse_toml.
Value parse_toml_value(std::string_view text, const std::string& origin);

/// The spec as a TOML document, single values before groups; parse_toml gives it back. A comment beside each
/// value says what gave it. Bytes that are not UTF-8 are replaced: TOML has none.
std::string format_toml(const Spec& spec);

/// One value as TOML writes it.
std::string format_toml_value(const Value& value);

/// The same for messages, which say of a group or a long value what it is.
std::string value_for_message(const Value& value);

}  // namespace duet
