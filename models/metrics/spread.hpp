#pragma once

#include <cstddef>
#include <span>

namespace duet::models {

/// What repetitions that share nothing, such as trainings of several seeds, say of their mean. The interval
/// holds the mean of all possible ones in 95 of 100 cases: Student's t with n - 1 degrees of freedom (Student
/// 1908), where they are normally distributed. Of fewer than two, error and interval are NaN.
struct Spread {
    std::size_t n;
    double mean;
    double standard_error;
    double low, high;
};

Spread spread_of(std::span<const double> values);

/// The 97.5 % quantile of Student's t, for at least one degree of freedom.
double student_quantile(std::size_t degrees);

}  // namespace duet::models
