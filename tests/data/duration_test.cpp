#include <doctest/doctest.h>

#include <duet/data/duration.hpp>

using namespace duet;

TEST_CASE("times are whole numbers with their units, the larger before the smaller") {
    CHECK(seconds_of("90s") == 90.0);
    CHECK(seconds_of("50m") == 3000.0);
    CHECK(seconds_of("1h30m") == 5400.0);
    CHECK(seconds_of("2d1s") == 172801.0);
    for (const char* text :
         {"", "5", "m", "0s", "-1s", "1.5h", "1m1h", "1m1m", "5 m", "50min", "99999999999s", "40000d"})
        CHECK_FALSE(seconds_of(text).has_value());
}
