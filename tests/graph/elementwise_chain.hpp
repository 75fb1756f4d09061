#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <duet/graph/op.hpp>
#include <duet/graph/runtime/elementwise_program.hpp>
#include <duet/graph/runtime/machine_code.hpp>
#include <duet/graph/runtime/repetition.hpp>

#include "../same_bits.hpp"

namespace duet {

using OpPointer = std::shared_ptr<const Op>;

/// A number near zero, or one of those that kernels stumble over.
template <class T>
T random_value(std::mt19937& random) {
    using Limits = std::numeric_limits<T>;
    const std::vector<T> special = {0,
                                    -T(0),
                                    1,
                                    -1,
                                    T(0.75),
                                    T(-0.5),
                                    Limits::infinity(),
                                    -Limits::infinity(),
                                    Limits::quiet_NaN(),
                                    Limits::denorm_min(),
                                    -Limits::denorm_min(),
                                    Limits::min(),
                                    Limits::max(),
                                    Limits::lowest()};
    if (random() % 3 == 0) return special[random() % special.size()];
    return std::uniform_real_distribution<T>(-3, 3)(random);
}

template <class T>
std::vector<T> random_values(std::mt19937& random, std::size_t count) {
    std::vector<T> values(count);
    for (T& value : values) value = random_value<T>(random);
    return values;
}

/// Steps over operands, with what they must compute according to the blocks of their ops.
template <class T>
class Chain {
 public:
    using Program = ElementwiseProgram<T>;
    using Place = typename Program::Place;

    explicit Chain(Shape shape) : shape_(std::move(shape)) {}

    void add_operand(std::vector<T> values, const Shape& shape) {
        const Repetition repetition(shape, shape_);
        const std::size_t elements = shape_.elements();
        std::vector<T> repeated(elements);
        repetition.expand(values.data(), 0, elements, repeated.data());
        if (shape == shape_)
            places_.push_back({Place::Kind::operand, program_.add_operand()});
        else
            places_.push_back({Place::Kind::operand, program_.add_operand(repetition)});
        buffers_.push_back(std::move(values));
        expected_.push_back(std::move(repeated));
        whole_.push_back(shape == shape_);
    }

    void add_step(const OpPointer& op, const std::vector<std::size_t>& inputs, bool stored) {
        std::vector<Place> places;
        std::vector<const T*> blocks;
        for (const std::size_t input : inputs) {
            places.push_back(places_[input]);
            blocks.push_back(expected_[input].data());
        }
        std::vector<T> value(shape_.elements());
        op->elementwise()->block(blocks.data(), value.data(), value.size());
        const Place output = stored ? Place{Place::Kind::result, program_.add_result()}
                                    : Place{Place::Kind::register_, registers_++};
        program_.add_step(op, places, output);
        places_.push_back(output);
        expected_.push_back(std::move(value));
    }

    void share(std::size_t operand, std::size_t result) {
        program_.set_shared(operand, result);
        shared_.emplace_back(operand, result);
    }
    bool whole(std::size_t operand) const { return whole_[operand]; }
    std::size_t values() const { return places_.size(); }

    /// Whether the results are what the blocks of the ops make of whole arrays.
    bool holds(const std::shared_ptr<MachineCode>& code, bool by_columns = true) const {
        Program program = program_;
        program.prepare(shape_.elements(), code);
        if (code) code->finish();
        auto buffers = buffers_;
        std::vector<std::vector<T>> results;
        std::vector<const T*> sources;
        std::vector<T*> targets;
        for (const auto& buffer : buffers) sources.push_back(buffer.data());
        for (std::size_t i = 0; i < places_.size(); ++i)
            if (places_[i].kind == Place::Kind::result) results.emplace_back(shape_.elements());
        for (auto& result : results) targets.push_back(result.data());
        for (const auto& [operand, result] : shared_) targets[result] = buffers[operand].data();
        std::vector<std::byte> scratch(program.scratch_bytes() + 64);
        std::byte* const aligned =
            scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64);
        for (const Region& region : regions(by_columns))
            program.run(sources.data(), targets.data(), region, aligned);
        bool all = true;
        for (std::size_t i = 0; i < places_.size(); ++i)
            if (places_[i].kind == Place::Kind::result) {
                const T* const made = targets[places_[i].index];
                all = all && same(std::vector<T>(made, made + shape_.elements()), expected_[i]);
            }
        return all;
    }

 private:
    /// A panel of columns that starts at odd places, and the rest, row by row; or the elements in a row, cut
    /// anywhere.
    std::vector<Region> regions(bool by_columns) const {
        const std::size_t elements = shape_.elements(), cut = elements * 3 / 7;
        if (!by_columns) return {{0, 1, cut, cut}, {cut, 1, elements - cut, elements - cut}};
        const std::size_t columns = shape_[shape_.rank() - 1], rows = shape_.elements() / columns;
        const std::size_t first = columns / 3;
        return {{0, rows, columns, first}, {first, rows, columns, columns - first}};
    }

    Shape shape_;
    Program program_;
    std::vector<Place> places_;
    std::vector<std::vector<T>> buffers_, expected_;
    std::vector<bool> whole_;
    std::vector<std::pair<std::size_t, std::size_t>> shared_;
    std::size_t registers_ = 0;
};

/// True if machine code makes of the op, applied to so many inputs, the bits that its block makes: at every
/// length up to that of several registers, apart from the inputs and over one of them.
template <class T>
bool machine_code_makes_the_blocks_bits(const OpPointer& op, std::size_t arity, std::mt19937& random) {
    for (std::size_t length = 1; length <= 70; ++length) {
        Chain<T> chain({length});
        std::vector<std::size_t> inputs;
        for (std::size_t i = 0; i < arity; ++i) {
            chain.add_operand(random_values<T>(random, length), {length});
            inputs.push_back(i);
        }
        chain.add_step(op, inputs, true);
        if (!chain.holds(MachineCode::create())) return false;
        chain.share(random() % arity, 0);
        if (!chain.holds(MachineCode::create())) return false;
    }
    return true;
}

}  // namespace duet
