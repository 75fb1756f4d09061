#include <duet/ops/random.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/op.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/kernels/philox.hpp>
#include <duet/ops/math.hpp>
#include <duet/ops/parameter_rules.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_group = std::tuple_size_v<philox::Words>;
constexpr std::size_t elements_per_tile = 2048;
static_assert(elements_per_tile % elements_per_group == 0);

class RandomOp : public Op {
 public:
    RandomOp(std::uint64_t seed, std::string stream, Shape shape)
        : stream_(std::move(stream)), key_(philox::make_key(seed, stream_)), shape_(std::move(shape)) {}

    const std::string& stream() const { return stream_; }
    Attributes attributes() const override {
        return {{"stream", stream_}, {"key", std::array{key_.low, key_.high}}};
    }
    Shape shape(std::span<const Shape>) const override { return shape_; }
    bool pure() const override { return false; }
    std::size_t tiles(const Signature& signature) const override { return pieces(signature.output).count(); }

 protected:
    /// Fills the tile, `transform` making each 64 elements of one 16 blocks' words.
    template <class T, class Transform>
    void draw(const Kernel<T>& kernel, Transform transform) const {
        const Range range = pieces(kernel.output_shape)[kernel.tile];
        philox::Words words;
        std::array<T, elements_per_group> group;
        for (std::size_t i = range.begin; i < range.end; i += elements_per_group) {
            philox::fill(key_, kernel.draw, i / 4, words);
            transform(words, group.data());
            std::copy_n(group.data(), std::min(elements_per_group, range.end - i), kernel.output + i);
        }
    }

 private:
    static Pieces pieces(const Shape& output) { return {output.elements(), elements_per_tile}; }

    std::string stream_;
    philox::Key key_;
    Shape shape_;
};

class RandomNormal final : public OpOf<RandomNormal, RandomOp> {
 public:
    using OpOf::OpOf;
    std::string name() const override { return "random_normal"; }
    double flops(const Signature& signature) const override {
        return 40 * static_cast<double>(signature.output.elements());
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        draw(kernel, [](const philox::Words& words, T* group) {
            for (std::size_t pair = 0; pair < 4; pair += 2) {
                const std::uint32_t *u = words.data() + pair * philox::lanes, *v = u + philox::lanes;
                T *first = group + pair * philox::lanes, *second = first + philox::lanes;
                for (std::size_t i = 0; i < philox::lanes; ++i) {
                    const T radius = std::sqrt(T(-2) * math::log_uniform<T>(u[i]));
                    const auto [sine, cosine] = math::sincos_turns<T>(v[i]);
                    first[i] = radius * cosine;
                    second[i] = radius * sine;
                }
            }
        });
    }
};

class RandomUniform final : public OpOf<RandomUniform, RandomOp> {
 public:
    using OpOf::OpOf;
    std::string name() const override { return "random_uniform"; }
    double flops(const Signature& signature) const override {
        return 15 * static_cast<double>(signature.output.elements());
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        draw(kernel, [](const philox::Words& words, T* group) {
            for (std::size_t i = 0; i < elements_per_group; ++i)
                group[i] = static_cast<T>(static_cast<std::int32_t>(words[i] >> 8U)) * T(0x1p-24);
        });
    }
};

template <class RandomKind>
Tensor declare(Graph& graph, std::string name, const Shape& shape, Where where) {
    const WhereScope scope(graph, where);
    if (name.empty())
        throw Error(fmt::format("{}: a random node needs a name: with the seed it decides what is drawn",
                                to_string(scope.where())));
    for (NodeId id = 0; id < graph.size(); ++id) {
        const auto* other = dynamic_cast<const RandomOp*>(graph.node(id).op.get());
        if (other && other->stream() == name)
            throw Error(
                fmt::format("{}: random node \"{}\" was already declared at {} and would draw the same "
                            "numbers; give each its own name",
                            to_string(scope.where()), name, to_string(graph.node(id).where)));
    }
    return graph.apply(std::make_shared<RandomKind>(graph.seed(), name, shape), {}, where, name);
}

}  // namespace

Tensor random_normal(Graph& graph, std::string name, const Shape& shape, Where where) {
    return declare<RandomNormal>(graph, std::move(name), shape, where);
}

Tensor random_uniform(Graph& graph, std::string name, const Shape& shape, Where where) {
    return declare<RandomUniform>(graph, std::move(name), shape, where);
}

Tensor bernoulli(Graph& graph, std::string name, const Shape& shape, double p, Where where) {
    const WhereScope scope(graph, where);
    expect_share(fmt::format("bernoulli \"{}\"", name), "probability", p, scope.where());
    return less(Operand(random_uniform(graph, std::move(name), shape, where), where), Operand(p, where));
}

}  // namespace duet
