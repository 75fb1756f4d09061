#include <duet/data/sizes.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace duet {

std::optional<std::uint64_t> checked_element_count(std::span<const std::size_t> sizes) {
    constexpr std::size_t most_sizes = 32;
    constexpr std::uint64_t largest = std::uint64_t{1} << 48;
    if (sizes.size() > most_sizes) return std::nullopt;
    std::uint64_t product = 1;
    bool empty = false;
    for (const std::size_t size : sizes) {
        if (size == 0) {
            empty = true;
        } else if (product > largest / size) {
            return std::nullopt;
        } else {
            product *= size;
        }
    }
    return empty ? 0 : product;
}

std::string join_sizes(std::span<const std::size_t> sizes) {
    constexpr std::size_t shown = 8;
    if (sizes.size() <= shown) return fmt::format("{}", fmt::join(sizes, ", "));
    return fmt::format("{}, ...", fmt::join(sizes.first(shown), ", "));
}

}  // namespace duet
