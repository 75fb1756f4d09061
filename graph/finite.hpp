#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include <duet/graph/variable.hpp>

namespace duet {

/// True if no element is NaN or infinite.
template <class T>
bool all_finite(const T* values, std::size_t count);
extern template bool all_finite<float>(const float*, std::size_t);
extern template bool all_finite<double>(const double*, std::size_t);

/// "in [-0.5, 2]", and how many of the elements are not finite if any is.
template <class T>
std::string range_of(const T* values, std::size_t count);
extern template std::string range_of<float>(const float*, std::size_t);
extern template std::string range_of<double>(const double*, std::size_t);

/// Names the first variable with an element that is not finite, its shape and range; none if all are finite.
std::optional<std::string> find_not_finite(std::span<const Variable> variables);

}  // namespace duet
