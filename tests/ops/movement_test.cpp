#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include <duet/graph/error.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/classification.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/shifting.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

using Index = std::vector<std::size_t>;

Index index_of(const Shape& shape, std::size_t flat) {
    Index index(shape.rank());
    for (std::size_t axis = shape.rank(); axis-- > 0; flat /= shape[axis]) index[axis] = flat % shape[axis];
    return index;
}

std::size_t flat_of(const Shape& shape, const Index& index) {
    std::size_t flat = 0;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) flat = flat * shape[axis] + index[axis];
    return flat;
}

/// The output of that shape whose element at each index is `element(index)`.
std::vector<double> made_of(const Shape& shape, const std::function<double(Index)>& element) {
    std::vector<double> values;
    for (std::size_t i = 0; i < shape.elements(); ++i) values.push_back(element(index_of(shape, i)));
    return values;
}

}  // namespace

TEST_CASE("broadcast_to repeats as NumPy does") {
    const std::vector<std::pair<Shape, Shape>> cases{
        {{}, {5}},
        {{}, {3, 70000}},
        {{1}, {4}},
        {{784}, {128, 784}},
        {{128, 1}, {128, 784}},
        {{1, 4}, {3, 4}},
        {{2, 1, 3}, {2, 5, 3}},
        {{3, 1}, {2, 3, 4}},
        {{1, 3, 1}, {2, 3, 4}},
        {{5, 1, 2, 1, 3}, {5, 4, 2, 6, 3}},
        {{1, 1}, {1, 1, 1}},
    };
    for (const auto& shapes : cases) {
        const Shape &from = shapes.first, &to = shapes.second;
        const std::vector<double> x = varied(from);
        const auto expected = made_of(to, [&](Index index) {
            index.erase(index.begin(), index.end() - static_cast<std::ptrdiff_t>(from.rank()));
            for (std::size_t axis = 0; axis < from.rank(); ++axis)
                if (from[axis] == 1) index[axis] = 0;
            return x[flat_of(from, index)];
        });
        const auto build = [&](const auto& inputs) { return broadcast_to(inputs[0], to); };
        CHECK_MESSAGE(values_of(evaluate(build, {{from, x}})) == expected, to_string(from) << to_string(to));
    }
}

TEST_CASE("transpose permutes axes") {
    const std::vector<std::pair<Shape, Axes>> cases{
        {{7}, {0}},
        {{3, 5}, {1, 0}},
        {{130, 257}, {1, 0}},
        {{1, 6}, {1, 0}},
        {{2, 3, 4}, {0, 2, 1}},
        {{2, 3, 4}, {1, 0, 2}},
        {{2, 3, 4}, {2, 1, 0}},
        {{20, 30, 40}, {2, 0, 1}},
        {{3, 40, 5, 20}, {3, 1, 0, 2}},
        {{4, 3, 28, 28}, {0, 2, 3, 1}},
        {{2, 1, 2, 3, 1, 2, 2, 2}, {7, 2, 5, 0, 1, 3, 6, 4}},
    };
    for (const auto& each : cases) {
        const Shape& from = each.first;
        const Axes& axes = each.second;
        const std::vector<double> x = varied(from);
        const auto expected = made_of(transposed_shape(from, axes), [&](const Index& index) {
            Index source(index.size());
            for (std::size_t axis = 0; axis < index.size(); ++axis) source[axes[axis]] = index[axis];
            return x[flat_of(from, source)];
        });
        const auto build = [&](const auto& inputs) { return transpose(inputs[0], axes); };
        CHECK_MESSAGE(values_of(evaluate(build, {{from, x}})) == expected, to_string(from));
        const auto back = [&](const auto& inputs) {
            return transpose(transpose(transpose(inputs[0], axes)));
        };
        CHECK_MESSAGE(values_of(evaluate(back, {{from, x}})) == expected, to_string(from));
    }
}

TEST_CASE("reshape keeps the order of the elements") {
    const std::vector<double> x = varied({2, 6});
    const auto build = [](const auto& inputs) { return reshape(reshape(inputs[0], {3, 4}), {12}); };
    CHECK(values_of(evaluate(build, {{{2, 6}, x}})) == x);
}

TEST_CASE("concat, slice and pad") {
    for (const std::size_t axis : {0, 1, 2}) {
        const Shape middle{3, 40, 30};
        std::vector<Argument> arguments;
        for (const std::size_t extent : {1, 2, 300}) {
            std::vector<std::size_t> extents = middle.extents();
            extents[axis] = extent;
            const Shape shape(extents);
            arguments.push_back({shape, varied(shape, static_cast<unsigned>(extent))});
        }
        const auto joined = evaluate(
            [&](const auto& inputs) {
                return concat({inputs[0], inputs[1], inputs[2]}, axis);
            },
            arguments);
        const Shape shape = shape_of(joined);
        REQUIRE(shape[axis] == 303);
        const auto expected = made_of(shape, [&](Index index) {
            std::size_t part = 0;
            for (; index[axis] >= arguments[part].shape[axis]; ++part)
                index[axis] -= arguments[part].shape[axis];
            return arguments[part].values[flat_of(arguments[part].shape, index)];
        });
        CHECK(values_of(joined) == expected);
    }
    const Shape shape{5, 60, 70};
    const std::vector<double> x = varied(shape);
    for (const auto& [begin, end] : std::vector<std::pair<Index, Index>>{{{0, 0, 0}, {5, 60, 70}},
                                                                         {{1, 2, 3}, {2, 3, 4}},
                                                                         {{1, 0, 0}, {4, 60, 70}},
                                                                         {{0, 5, 0}, {5, 50, 70}},
                                                                         {{2, 5, 7}, {5, 59, 69}}}) {
        const Index first = begin, last = end;
        const auto part =
            evaluate([&](const auto& inputs) { return slice(inputs[0], first, last); }, {{shape, x}});
        const Shape part_shape = shape_of(part);
        CHECK(values_of(part) == made_of(part_shape, [&](Index index) {
                  for (std::size_t axis = 0; axis < 3; ++axis) index[axis] += first[axis];
                  return x[flat_of(shape, index)];
              }));
        Index behind = shape.extents();
        for (std::size_t axis = 0; axis < 3; ++axis) behind[axis] -= last[axis];
        const auto padded = evaluate([&](const auto& inputs) { return pad(inputs[0], first, behind); },
                                     {{part_shape, values_of(part)}});
        CHECK(values_of(padded) == made_of(shape, [&](const Index& index) {
                  for (std::size_t axis = 0; axis < 3; ++axis)
                      if (index[axis] < first[axis] || index[axis] >= last[axis]) return 0.0;
                  return x[flat_of(shape, index)];
              }));
    }
    CHECK(values_of(evaluate(
              [](const auto& in) {
                  return pad(in[0], {1, 0}, {0, 1});
              },
              {{{2, 1}, {3, 4}}})) == std::vector<double>{0, 0, 3, 0, 4, 0});
    CHECK_THROWS_AS(concat({}, 0), Error);
}

TEST_CASE("gather, scatter_add and one_hot") {
    const Argument table{{3, 2}, {1, 2, 3, 4, 5, 6}}, indices{{4}, {2, 0, 2, 1}};
    using Values = std::vector<double>;
    CHECK(values_of(evaluate([](const auto& in) { return gather(in[0], in[1]); }, {table, indices})) ==
          Values{5, 6, 1, 2, 5, 6, 3, 4});
    CHECK(values_of(evaluate([](const auto& in) { return scatter_add(in[0], in[1], 4); },
                             {{{4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}, indices})) ==
          Values{3, 4, 7, 8, 6, 8, 0, 0});
    CHECK(values_of(evaluate([](const auto& in) { return one_hot(in[0], 3); }, {indices})) ==
          Values{0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0});
    CHECK(values_of(evaluate([](const auto& in) { return gather(in[0], in[1]); },
                             {{{3}, {7, 8, 9}}, {{}, {1}}})) == Values{8});
}

TEST_CASE_TEMPLATE("shift2d moves each image by its own pixels, and 0 in", T, float, double) {
    const Shape shape{4, 2, 3, 4};
    Argument images{shape, {}};
    for (std::size_t i = 0; i < shape.elements(); ++i) images.values.push_back(static_cast<double>(i + 1));
    const std::vector<double> moves = {0, 0, 1, -2, -2, 3, 50, -1};
    const auto shifted = [](const auto& in) { return shift2d(in[0], in[1]); };
    CHECK(values_of(evaluate<T>(shifted, {images, {{4, 2}, moves}})) == made_of(shape, [&](Index at) {
              const double y = static_cast<double>(at[2]) + moves[2 * at[0]],
                           x = static_cast<double>(at[3]) + moves[2 * at[0] + 1];
              if (y < 0 || y > 2 || x < 0 || x > 3) return 0.0;
              return images.values[flat_of(
                  shape, {at[0], at[1], static_cast<std::size_t>(y), static_cast<std::size_t>(x)})];
          }));
    for (const double wrong : {0.5, std::nan(""), std::numeric_limits<double>::infinity()}) {
        const std::string message = message_of<FeedError>([&] {
            evaluate<T>(shifted, {images, {{4, 2}, {0, 0, 0, wrong, 0, 0, 0, 0}}});
        });
        CHECK_MESSAGE(contains(message, "shift2d: the move at position 3"), message);
    }
    Graph graph;
    const Tensor pictures = graph.input("images", shape), pairs = graph.input("moves", {3, 2});
    CHECK(contains(message_of<ShapeError>([&] { shift2d(pictures, pairs); }),
                   "moves of shape (3, 2) do not fit"));
}

TEST_CASE_TEMPLATE("an index that is not whole or out of range is named with its position", T, float,
                   double) {
    const Argument table{{3, 1}, {1, 2, 3}};
    for (const double wrong : {3.0, -1.0, 0.5, 1e30, std::nan(""), std::numeric_limits<double>::infinity()}) {
        const Argument indices{{2}, {1, wrong}};
        const std::vector<std::string> messages{
            message_of<FeedError>([&] {
                evaluate<T>([](const auto& in) { return gather(in[0], in[1]); }, {table, indices});
            }),
            message_of<FeedError>(
                [&] { evaluate<T>([](const auto& in) { return one_hot(in[0], 3); }, {indices}); }),
            message_of<FeedError>([&] {
                evaluate<T>([](const auto& in) { return scatter_add(in[0], in[1], 3); },
                            {{{2}, {1, 2}}, indices});
            }),
        };
        for (const std::string& message : messages) {
            CHECK_MESSAGE(contains(message, "position 1"), message);
            CHECK_MESSAGE(contains(message, "a whole number from 0 to 2"), message);
        }
    }
}

TEST_CASE("more places than float has whole numbers for are refused where they are declared") {
    constexpr std::size_t most = std::size_t{1} << 24;
    Graph graph;
    const Tensor indices = graph.input("indices", {3}), values = graph.input("values", {3, 2});
    const Tensor largest = graph.input("largest", {most, 1}), beyond = graph.input("beyond", {most + 1, 1});
    const Tensor classes = graph.input("classes", {3, most + 1});
    const NodeId before = graph.size();
    const auto expect = [&](const std::string& part, const std::function<void()>& declare) {
        const std::string message = message_of<ShapeError>(declare);
        CHECK_MESSAGE(contains(message, part), message);
        CHECK_MESSAGE(contains(message, "movement_test.cpp:"), message);
        CHECK_MESSAGE(contains(message, "float has not all whole numbers beyond 2^24"), message);
    };
    expect("gather: there are 16777217 rows of the table", [&] { gather(beyond, indices); });
    expect("scatter_add: there are 16777217 rows", [&] { scatter_add(values, indices, most + 1); });
    expect("one_hot: there are 16777217 classes", [&] { one_hot(indices, most + 1); });
    expect("softmax_cross_entropy: there are 16777217 classes",
           [&] { softmax_cross_entropy(classes, indices); });
    CHECK(graph.size() == before);
    CHECK(gather(largest, indices).shape() == Shape{3, 1});
    CHECK(scatter_add(values, indices, most).shape() == Shape{most, 2});
    CHECK(one_hot(indices, most).shape() == Shape{3, most});
    CHECK(softmax_cross_entropy(classes, classes).shape() == Shape{3});
}
