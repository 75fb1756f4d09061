#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "guarded_buffer.hpp"
#include "promises.hpp"

namespace duet {

/// Runs an op's kernel, as a whole or one tile alone, in buffers that are guarded and hold marks before.
/// Every run is held to what all kernels promise: it writes its output, its workspace and its scratch memory,
/// nothing else.
template <class T>
class KernelTrial {
 public:
    struct Setting {
        /// The tiles in reverse or in random order.
        bool reversed = false, shuffled = false;
        /// Inputs that share the buffer of the first of them with the output.
        std::vector<std::size_t> over = {};
        /// What buffers hold before.
        T output = unwritten, workspace = marked_nan<T>(2), scratch = marked_nan<T>(3);
        std::uint64_t draw = 0;
    };
    struct Written {
        std::vector<T> output, workspace;
    };
    static inline const T unwritten = marked_nan<T>(1);

    KernelTrial(const AppliedOp<T>& applied, PromiseReport& report)
        : applied_(applied),
          op_(*applied.op),
          report_(report),
          signature_{applied.shapes, applied.output},
          tiles_(op_.tiles(signature_)),
          output_(applied.output.elements()),
          workspace_(op_.workspace(signature_)),
          scratch_(op_.scratch(signature_)) {
        for (const std::vector<T>& values : applied.inputs) inputs_.emplace_back(values);
    }

    const Signature& signature() const { return signature_; }
    std::size_t tiles() const { return tiles_; }
    std::size_t workspace() const { return workspace_.size(); }
    std::size_t scratch() const { return scratch_.size(); }

    std::vector<const T*> addresses() {
        std::vector<const T*> addresses;
        for (GuardedBuffer<T>& input : inputs_) addresses.push_back(input.data());
        return addresses;
    }
    Kernel<T> kernel(const std::vector<const T*>& inputs) { return kernel(inputs, output_.data(), 0); }

    std::vector<T> compute(const Setting& setting) {
        std::vector<std::size_t> order(tiles_);
        std::iota(order.begin(), order.end(), std::size_t{0});
        if (setting.reversed) std::reverse(order.begin(), order.end());
        if (setting.shuffled) std::shuffle(order.begin(), order.end(), std::mt19937(1));
        std::vector<const T*> inputs = addresses();
        GuardedBuffer<T>& output = setting.over.empty() ? output_ : inputs_[setting.over.front()];
        for (const std::size_t input : setting.over) inputs[input] = output.data();
        if (setting.over.empty()) output.fill(setting.output);
        workspace_.fill(setting.workspace);
        const Kernel<T> whole = kernel(inputs, output.data(), setting.draw);
        for (const std::size_t tile : order) {
            scratch_.fill(setting.scratch);
            run_tile(op_, whole, tile);
        }
        scratch_.fill(setting.scratch);
        op_.finish(whole);
        report_.expect(scratch_.holds(setting.scratch), "finish",
                       "it writes scratch memory, of which it has none");
        std::vector<T> result = output.values();
        if (!setting.over.empty())
            std::copy_n(applied_.inputs[setting.over.front()].begin(), output.size(), output.data());
        check_buffers();
        return result;
    }

    /// What one tile writes, alone, to buffers full of marks.
    Written compute_alone(Kernel<T> part, std::size_t tile) {
        mark_all();
        part.tile = tile;
        op_.run(part);
        check_buffers();
        return {output_.values(), workspace_.values()};
    }
    Written compute_alone(const std::vector<const T*>& inputs, std::size_t tile) {
        Kernel<T> part = kernel(inputs);
        if (op_.accepts_prologue()) {
            const Region region = *op_.region_read(signature_, 0, tile);
            part.region = inputs[0] + region.begin;
            part.region_stride = region.stride;
        }
        return compute_alone(part, tile);
    }

    /// True if `finish` leaves everything as the tiles left it.
    bool finishes_without_a_change() {
        mark_all();
        const std::vector<const T*> inputs = addresses();
        const Kernel<T> whole = kernel(inputs);
        for (std::size_t tile = 0; tile < tiles_; ++tile) run_tile(op_, whole, tile);
        const std::vector<T> output = output_.values(), workspace = workspace_.values();
        op_.finish(whole);
        return std::equal(output.begin(), output.end(), output_.data(), same_bits<T>) &&
               std::equal(workspace.begin(), workspace.end(), workspace_.data(), same_bits<T>);
    }

 private:
    Kernel<T> kernel(const std::vector<const T*>& inputs, T* output, std::uint64_t draw) {
        return {applied_.shapes,   applied_.output, inputs, output,
                workspace_.data(), scratch_.data(), 0,      draw};
    }

    void mark_all() {
        output_.fill(unwritten);
        workspace_.fill(unwritten);
        scratch_.fill(marked_nan<T>(3));
    }

    void check_buffers() {
        bool within = output_.guarded(), inputs_same = true;
        within = workspace_.guarded() && within;
        within = scratch_.guarded() && within;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            within = inputs_[i].guarded() && within;
            const std::vector<T>& given = applied_.inputs[i];
            if (std::equal(given.begin(), given.end(), inputs_[i].data(), same_bits<T>)) continue;
            inputs_same = false;
            std::copy(given.begin(), given.end(), inputs_[i].data());
        }
        report_.expect(within, "bounds", "it writes beside a buffer");
        report_.expect(inputs_same, "inputs", "it writes to an input");
    }

    const AppliedOp<T>& applied_;
    const Op& op_;
    PromiseReport& report_;
    const Signature signature_;
    const std::size_t tiles_;
    std::vector<GuardedBuffer<T>> inputs_;
    GuardedBuffer<T> output_, workspace_, scratch_;
};

}  // namespace duet
