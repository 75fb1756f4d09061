#pragma once

#include <string>

namespace duet {

/// A line of the user's program. As a defaulted argument it names the line of the call.
struct Where {
    const char* file;
    unsigned line;

    constexpr Where(const char* where_file = __builtin_FILE(), unsigned where_line = __builtin_LINE())
        : file(where_file), line(where_line) {}
};

/// "train.cpp:12", with the folders of the path left out.
std::string to_string(Where where);

}  // namespace duet
