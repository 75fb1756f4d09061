#include <duet/ops/parameter_rules.hpp>

#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet {

namespace {

void expect(bool holds, const std::string& builder, const char* parameter, double number, const char* rule,
            Where where) {
    if (!holds)
        throw Error(fmt::format("{}: {}: the {} is {}; it must be {}", to_string(where), builder, parameter,
                                number, rule));
}

}  // namespace

void expect_finite(const std::string& builder, const char* parameter, double number, Where where) {
    expect(std::isfinite(number), builder, parameter, number, "finite", where);
}

void expect_not_negative(const std::string& builder, const char* parameter, double number, Where where) {
    expect(std::isfinite(number) && number >= 0, builder, parameter, number, "finite and at least 0", where);
}

void expect_share(const std::string& builder, const char* parameter, double number, Where where) {
    expect(number >= 0 && number <= 1, builder, parameter, number, "from 0 to 1", where);
}

}  // namespace duet
