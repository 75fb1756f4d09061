#pragma once

#include <string>
#include <string_view>

namespace duet::tools {

/// Writes all of the text to a descriptor, without SIGPIPE where nobody reads it any more. False if it
/// failed.
bool write_without_signal(int descriptor, std::string_view text);

/// Prints to the standard output at once; that it fails is no error.
void say(const std::string& text);

/// Has what was printed written. Throws StorageError if that fails, but not where nobody reads it: a closed
/// pipe, a terminal that is gone.
void flush_output();

}  // namespace duet::tools
