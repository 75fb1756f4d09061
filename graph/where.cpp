#include <duet/graph/where.hpp>

#include <string_view>

namespace duet {

std::string to_string(Where where) {
    std::string_view file = where.file;
    const auto slash = file.find_last_of('/');
    if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
    return std::string(file) + ":" + std::to_string(where.line);
}

}  // namespace duet
