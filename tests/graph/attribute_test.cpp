#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <duet/duet.hpp>

using namespace duet;

TEST_CASE("attributes are written for people") {
    const std::vector<double> few{0.5, 2}, many(100);
    const Attributes attributes{{"axis", std::size_t{1}}, {"slope", 0.1},         {"accumulate", false},
                                {"for", "conv2d"},        {"shape", Shape{2, 3}}, {"taps", few},
                                {"value", many}};
    CHECK(to_string(attributes) ==
          "axis=1, slope=0.1, accumulate=false, for=conv2d, shape=[2, 3], taps=[0.5, 2], value=100 numbers");
    CHECK(to_string(Attributes{}).empty());
}

TEST_CASE("a merge key tells what differs in one bit, and attributes from what a text says") {
    const auto key = [](const Attributes& attributes) { return merge_key(attributes); };
    CHECK(key({{"slope", 0.1}}) == key({{"slope", 0.1}}));
    CHECK(key({{"slope", 0.1}}) != key({{"slope", std::nextafter(0.1, 1)}}));
    CHECK(key({{"slope", 0.0}}) != key({{"slope", -0.0}}));
    CHECK(key({{"a", "x, b=1:y"}}) != key({{"a", "x"}, {"b", "y"}}));
    std::vector<double> taps(100), others(100);
    CHECK(key({{"taps", taps}}) == key({{"taps", others}}));
    others.back() = std::nextafter(0.0, 1);
    CHECK(key({{"taps", taps}}) != key({{"taps", others}}));
}
