#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace duet {

/// One named thing that decides, beside its class, what an op computes: `{"axis", axis}`. Takes truth values,
/// numbers, texts, and lists of integers such as a shape. Real numbers in a list are not copied: they must
/// live as long as the op.
struct Attribute {
    using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                               std::span<const double>>;

    template <class T>
    Attribute(std::string name, const T& value) : name(std::move(name)), value(stored(value)) {}

    std::string name;
    Value value;

 private:
    template <class T>
    static Value stored(const T& value) {
        if constexpr (std::is_same_v<T, bool> || std::floating_point<T>)
            return value;
        else if constexpr (std::integral<T>)
            return static_cast<std::int64_t>(value);
        else if constexpr (std::convertible_to<T, std::string>)
            return std::string(value);
        else if constexpr (std::integral<std::decay_t<decltype(*value.begin())>>)
            return std::vector<std::int64_t>(value.begin(), value.end());
        else
            return std::span<const double>(value);
    }
};

using Attributes = std::vector<Attribute>;

/// All of it, to the last bit: equal for equal attributes alone, and the same on every machine.
std::string merge_key(const Attributes& attributes);

/// For people: "axis=1, shape=[2, 3]"; of many real numbers in a list, how many there are.
std::string to_string(const Attributes& attributes);

}  // namespace duet
