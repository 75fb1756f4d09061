#pragma once

#include <string>

#include <duet/graph/where.hpp>

namespace duet {

/// The rules of the numbers that builders are given, such as a slope. Each throws Error, naming the line, the
/// builder, the parameter and the number, where it does not hold; it holds for no NaN.

void expect_finite(const std::string& builder, const char* parameter, double number, Where where);
/// Finite and at least 0.
void expect_not_negative(const std::string& builder, const char* parameter, double number, Where where);
/// At least 0 and at most 1.
void expect_share(const std::string& builder, const char* parameter, double number, Where where);

}  // namespace duet
