#include <duet/models/training/record.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/graph/error.hpp>

namespace duet::models {

bool Record::has(std::string_view name) const {
    return std::find(names.begin(), names.end(), name) != names.end();
}

double Record::operator[](std::string_view name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
        throw Error(fmt::format("no metric is called \"{}\"; there are {}", name, fmt::join(names, ", ")));
    return values[static_cast<std::size_t>(found - names.begin())];
}

}  // namespace duet::models
