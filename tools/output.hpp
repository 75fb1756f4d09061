#pragma once

#include <string>
#include <string_view>

namespace duet::tools {

/// Writes all of the text to a descriptor, without SIGPIPE where nobody reads it any more. False if it
/// failed.
bool write_without_signal(int descriptor, std::string_view text);

/// A text as it may stand in a line of a terminal: control letters are shown as '?'.
std::string one_line(std::string_view text);

/// Writes a line that begins "duet: warning: " to the standard error; that it fails is no error.
void warn(const std::string& text);

/// Prints to the standard output at once what is told beside the work; that it fails is no error.
void say(const std::string& text);

/// Has what was printed, a command's answer, written. Throws StorageError if that fails, but not where nobody
/// reads it: a closed pipe, a terminal that is gone.
void flush_output();

}  // namespace duet::tools
