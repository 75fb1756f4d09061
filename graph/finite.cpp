#include <duet/graph/finite.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

namespace duet {

template <class T>
bool all_finite(const T* values, std::size_t count) {
    // x * 0 is 0 where x is finite and NaN elsewhere, which every sum keeps.
    constexpr std::size_t lanes = 16;
    T sums[lanes] = {};
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += values[i + lane] * T(0);
    for (; i < count; ++i) sums[0] += values[i] * T(0);
    return std::all_of(std::begin(sums), std::end(sums), [](T sum) { return sum == T(0); });
}

template <class T>
std::string range_of(const T* values, std::size_t count) {
    T low = values[0], high = values[0];
    std::size_t not_finite = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (!std::isfinite(values[i])) ++not_finite;
        if (!(values[i] >= low)) low = values[i];
        if (!(values[i] <= high)) high = values[i];
    }
    return not_finite == 0 ? fmt::format("in [{}, {}]", low, high)
                           : fmt::format("in [{}, {}], {} of {} not finite", low, high, not_finite, count);
}

template bool all_finite<float>(const float*, std::size_t);
template bool all_finite<double>(const double*, std::size_t);
template std::string range_of<float>(const float*, std::size_t);
template std::string range_of<double>(const double*, std::size_t);

std::optional<std::string> find_not_finite(std::span<const Variable> variables) {
    for (const Variable& variable : variables) {
        const Array& value = variable.value();
        if (!all_finite(value.data(), value.size()))
            return fmt::format("{} {}: {}", variable.name(), to_string(variable.shape()),
                               range_of(value.data(), value.size()));
    }
    return std::nullopt;
}

}  // namespace duet
