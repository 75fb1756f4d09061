#include <duet/graph/attribute.hpp>

#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace duet {

namespace {

constexpr std::size_t most_numbers_shown = 8;

struct Key {
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return (*this)(std::span<const double>(&number, 1)); }
    std::string operator()(std::string_view text) const { return fmt::format("{}:{}", text.size(), text); }
    std::string operator()(const std::vector<std::int64_t>& numbers) const {
        return fmt::format("[{}]", fmt::join(numbers, ","));
    }
    std::string operator()(std::span<const double> numbers) const {
        return (*this)({reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()});
    }
};

struct Text {
    std::string operator()(std::span<const double> numbers) const {
        return numbers.size() > most_numbers_shown ? fmt::format("{} numbers", numbers.size())
                                                   : fmt::format("[{}]", fmt::join(numbers, ", "));
    }
    std::string operator()(const std::vector<std::int64_t>& numbers) const {
        return fmt::format("[{}]", fmt::join(numbers, ", "));
    }
    template <class T>
    std::string operator()(const T& value) const {
        return fmt::format("{}", value);
    }
};

template <class Written>
std::string written(const Attributes& attributes, const Written& write) {
    std::string text;
    for (const Attribute& each : attributes)
        text += (text.empty() ? "" : ", ") + each.name + "=" + std::visit(write, each.value);
    return text;
}

}  // namespace

std::string merge_key(const Attributes& attributes) {
    return written(attributes, Key());
}

std::string to_string(const Attributes& attributes) {
    return written(attributes, Text());
}

}  // namespace duet
