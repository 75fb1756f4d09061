#include <doctest/doctest.h>

#include <limits>

#include <duet/duet.hpp>

using namespace duet;

TEST_CASE("a shape knows its rank, elements and text") {
    const Shape shape{128, 784};
    CHECK(shape.rank() == 2);
    CHECK(shape.elements() == 128 * 784);
    CHECK(to_string(shape) == "(128, 784)");
    CHECK(Shape().elements() == 1);
    CHECK(to_string(Shape()) == "()");
    CHECK(Shape{2, 3} != Shape{3, 2});
}

TEST_CASE("a shape that memory cannot hold is refused") {
    CHECK_THROWS_WITH_AS(Shape({3, 0}), "shape (3, 0): every axis must have at least one element",
                         ShapeError);
    CHECK_THROWS_AS(Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
    const std::size_t huge = std::numeric_limits<std::size_t>::max() / 2;
    CHECK_THROWS_AS(Shape({huge, 4}), ShapeError);
    CHECK_THROWS_AS(Shape({huge}), ShapeError);
}
