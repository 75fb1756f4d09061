#include "promises.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "../same_bits.hpp"
#include "guarded_buffer.hpp"
#include "kernel_trial.hpp"

namespace duet {

namespace {

constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();

bool lies_within(const Region& region, std::size_t elements) {
    return region.rows > 0 && region.length > 0 && (region.rows == 1 || region.stride >= region.length) &&
           region.begin + (region.rows - 1) * region.stride + region.length <= elements;
}

std::string to_string(const Region& region) {
    return fmt::format("{} runs of {} elements, the first at {}, {} apart", region.rows, region.length,
                       region.begin, region.stride);
}

template <class Visit>
void for_each_element(const Region& region, const Visit& visit) {
    for (std::size_t row = 0; row < region.rows; ++row)
        for (std::size_t i = 0; i < region.length; ++i) visit(region.begin + row * region.stride + i);
}

/// How many of the regions have each of so many elements.
std::vector<std::size_t> coverage(const std::vector<Region>& regions, std::size_t elements) {
    std::vector<std::size_t> count(elements, 0);
    for (const Region& region : regions) for_each_element(region, [&](std::size_t i) { ++count[i]; });
    return count;
}

/// The element of a smaller shape that NumPy repeats at element `index` of a larger one.
std::size_t repeated_element(const Shape& from, const Shape& to, std::size_t index) {
    const std::size_t added = to.rank() - from.rank();
    std::size_t element = 0, step = 1;
    for (std::size_t axis = to.rank(); axis-- > added; index /= to[axis]) {
        if (from[axis - added] > 1) element += index % to[axis] * step;
        step *= from[axis - added];
    }
    return element;
}

template <class T>
std::optional<std::size_t> difference(const std::vector<T>& a, const std::vector<T>& b) {
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        if (!same(a[i], b[i])) return i;
    if (a.size() != b.size()) return std::min(a.size(), b.size());
    return {};
}

template <class T>
class KernelCheck {
 public:
    explicit KernelCheck(const AppliedOp<T>& applied)
        : applied_(applied), op_(*applied.op), trial_(applied, report_) {}

    PromiseReport check() {
        check_rules();
        if (!report_.broken.empty()) return report_;
        made_ = trial_.compute({});
        check_memory();
        check_orders();
        check_draws();
        check_meaning();
        check_tiles();
        check_finish();
        check_in_place();
        return report_;
    }

 private:
    using Trial = KernelTrial<T>;
    using Written = typename Trial::Written;

    void check_rules() {
        const double flops = op_.flops(trial_.signature());
        report_.expect(std::isfinite(flops) && flops >= 0, "flops", "{} operations", flops);
        const std::size_t tiles = op_.tiles(trial_.signature());
        report_.expect(tiles > 0 && tiles == trial_.tiles(), "tiles", "{} tiles, then {}", trial_.tiles(),
                       tiles);
        report_.expect(op_.workspace(trial_.signature()) == trial_.workspace(), "workspace",
                       "two sizes of one shape");
        report_.expect(op_.scratch(trial_.signature()) == trial_.scratch(), "scratch",
                       "two sizes of one shape");
        const std::size_t elements = applied_.output.elements();
        for (std::size_t i = 0; i < applied_.inputs.size(); ++i)
            report_.expect(!op_.in_place(i) || applied_.inputs[i].size() == elements, "in_place",
                           "input {} has not as many elements as the output", i);
        for (std::size_t tile = 0; tile < trial_.tiles(); ++tile) {
            if (op_.accepts_epilogue())
                expect_within(op_.region(trial_.signature(), tile), elements, "region");
            for (std::size_t i = 0; i < applied_.inputs.size(); ++i)
                if (const auto region = op_.region_read(trial_.signature(), i, tile))
                    expect_within(*region, applied_.inputs[i].size(), "region_read");
                else if (i == 0)
                    report_.expect(!op_.accepts_prologue(), "accepts_prologue", "a tile reads no region");
        }
        if (op_.accepts_prologue())
            report_.expect(!applied_.inputs.empty() && trial_.scratch() == 0, "accepts_prologue",
                           "there is no input, or scratch memory");
    }

    void expect_within(const Region& region, std::size_t elements, const char* promise) {
        report_.expect(lies_within(region, elements), promise, "{}, do not lie within {} elements",
                       to_string(region), elements);
    }

    void expect_same(const std::vector<T>& expected, const std::vector<T>& made, const char* promise,
                     const std::string& when) {
        const auto at = difference(expected, made);
        report_.expect(!at, promise, "{}, element {} is another number", when, at.value_or(0));
    }

    void check_memory() {
        const auto at =
            std::find_if(made_.begin(), made_.end(), [](T x) { return same_bits(x, Trial::unwritten); });
        report_.expect(at == made_.end(), "output", "element {} is not written", at - made_.begin());
        expect_same(made_, trial_.compute({.output = T(0.5)}), "output", "over other numbers");
        if (trial_.workspace() > 0)
            expect_same(made_, trial_.compute({.workspace = T(0.5)}), "workspace",
                        "with other numbers there before");
        if (trial_.scratch() > 0)
            expect_same(made_, trial_.compute({.scratch = T(0.5)}), "scratch",
                        "with other numbers there before");
    }

    void check_orders() {
        if (trial_.tiles() < 2) return;
        expect_same(made_, trial_.compute({.reversed = true}), "tiles", "in reverse order");
        expect_same(made_, trial_.compute({.shuffled = true}), "tiles", "in another order");
    }

    void check_draws() {
        expect_same(made_, trial_.compute({}), "pure", "in a second run of one draw");
        const std::vector<T> other = trial_.compute({.draw = 1});
        if (op_.pure())
            expect_same(made_, other, "pure", "in another draw");
        else
            report_.expect(difference(made_, other).has_value(), "pure", "two draws of it are the same");
    }

    void check_meaning() {
        const std::vector<std::vector<T>>& inputs = applied_.inputs;
        if (op_.aliases() && one_input("aliases")) expect_same(inputs[0], made_, "aliases", "of the input");
        if (op_.expands() && one_input("expands")) {
            std::vector<T> repeated(made_.size());
            for (std::size_t i = 0; i < repeated.size(); ++i)
                repeated[i] = inputs[0][repeated_element(applied_.shapes[0], applied_.output, i)];
            expect_same(repeated, made_, "expands", "of the input repeated");
        }
        if (op_.adds()) {
            const bool two = inputs.size() == 2 && applied_.shapes[0] == applied_.output &&
                             applied_.shapes[1] == applied_.output;
            report_.expect(two, "adds", "its inputs are not two of the output's shape");
            std::vector<T> sums(made_.size());
            for (std::size_t i = 0; two && i < sums.size(); ++i) sums[i] = inputs[0][i] + inputs[1][i];
            if (two) expect_same(sums, made_, "adds", "of the sums");
        }
    }

    bool one_input(const char* promise) {
        report_.expect(applied_.inputs.size() == 1, promise, "it has {} inputs", applied_.inputs.size());
        return applied_.inputs.size() == 1;
    }

    void check_tiles() {
        std::vector<std::size_t> output_writer(made_.size(), nobody),
            workspace_writer(trial_.workspace(), nobody);
        std::vector<Region> written, read;
        for (std::size_t tile = 0; tile < trial_.tiles(); ++tile) {
            const Written alone = trial_.compute_alone(trial_.addresses(), tile);
            check_apart(alone.output, tile, output_writer);
            check_apart(alone.workspace, tile, workspace_writer);
            if (op_.accepts_epilogue()) {
                written.push_back(op_.region(trial_.signature(), tile));
                check_completed(alone.output, written.back(), tile);
            }
            for (std::size_t i = 0; i < applied_.inputs.size(); ++i)
                if (const auto region = op_.region_read(trial_.signature(), i, tile))
                    check_read(alone, *region, i, tile);
            if (op_.accepts_prologue()) {
                read.push_back(*op_.region_read(trial_.signature(), 0, tile));
                check_prologue(alone, read.back(), tile);
            }
        }
        if (op_.accepts_epilogue()) expect_covered(written, made_.size(), "region");
        if (op_.accepts_prologue()) expect_covered(read, applied_.inputs[0].size(), "accepts_prologue");
    }

    void check_apart(const std::vector<T>& buffer, std::size_t tile, std::vector<std::size_t>& writer) {
        std::size_t shared = nobody;
        for (std::size_t i = 0; i < buffer.size(); ++i) {
            if (same_bits(buffer[i], Trial::unwritten)) continue;
            if (writer[i] != nobody) shared = i;
            writer[i] = tile;
        }
        report_.expect(shared == nobody, "tiles", "tile {} writes element {} that another tile writes too",
                       tile, shared);
    }

    void check_completed(const std::vector<T>& output, const Region& region, std::size_t tile) {
        std::vector<bool> inside(output.size(), false);
        for_each_element(region, [&](std::size_t i) { inside[i] = true; });
        std::size_t missing = nobody, beside = nobody, other = nobody;
        for (std::size_t i = 0; i < output.size(); ++i) {
            const bool is_written = !same_bits(output[i], Trial::unwritten);
            if (inside[i] && !is_written) missing = i;
            if (!inside[i] && is_written) beside = i;
            if (inside[i] && is_written && !same(output[i], made_[i])) other = i;
        }
        report_.expect(missing == nobody, "region", "tile {} does not make element {} of it", tile, missing);
        report_.expect(beside == nobody, "region", "tile {} writes element {} beside it", tile, beside);
        report_.expect(other == nobody, "region", "tile {} does not complete element {}", tile, other);
    }

    void expect_covered(const std::vector<Region>& regions, std::size_t elements, const char* promise) {
        const std::vector<std::size_t> count = coverage(regions, elements);
        const auto at = std::find_if(count.begin(), count.end(), [](std::size_t n) { return n != 1; });
        report_.expect(at == count.end(), promise, "element {} is in {} regions", at - count.begin(),
                       at == count.end() ? 0 : *at);
    }

    void expect_same(const Written& expected, const Written& made, const char* promise,
                     const std::string& when) {
        expect_same(expected.output, made.output, promise, when);
        if (trial_.workspace() > 0)
            expect_same(expected.workspace, made.workspace, promise, when + ", in the workspace");
    }

    /// With other numbers wherever the tile says it does not read.
    void check_read(const Written& alone, const Region& region, std::size_t input, std::size_t tile) {
        for (const T other : {marked_nan<T>(4), T(1e4), T(-1e4)}) {
            GuardedBuffer<T> decoy(applied_.inputs[input].size());
            decoy.fill(other);
            for_each_element(region, [&](std::size_t i) { decoy.data()[i] = applied_.inputs[input][i]; });
            std::vector<const T*> inputs = trial_.addresses();
            inputs[input] = decoy.data();
            expect_same(alone, trial_.compute_alone(inputs, tile), "region_read",
                        fmt::format("with {} beside what tile {} reads of input {}", other, tile, input));
        }
    }

    /// With the region alone, elsewhere, its rows dense or apart, and other numbers in place of the input.
    void check_prologue(const Written& alone, const Region& region, std::size_t tile) {
        std::vector<std::size_t> strides{region.length, region.stride};
        if (region.rows > 1) strides.push_back(region.length + 3);
        for (const std::size_t stride : strides)
            for (const T other : {marked_nan<T>(4), T(1e4)}) {
                GuardedBuffer<T> decoy(applied_.inputs[0].size()),
                    copy((region.rows - 1) * stride + region.length);
                decoy.fill(other);
                copy.fill(other);
                for (std::size_t row = 0; row < region.rows; ++row)
                    std::copy_n(applied_.inputs[0].data() + region.begin + row * region.stride, region.length,
                                copy.data() + row * stride);
                std::vector<const T*> inputs = trial_.addresses();
                inputs[0] = decoy.data();
                Kernel<T> part = trial_.kernel(inputs);
                part.region = copy.data();
                part.region_stride = stride;
                expect_same(alone, trial_.compute_alone(part, tile), "accepts_prologue",
                            fmt::format("with the region of tile {} alone", tile));
            }
    }

    /// An op that accepts an epilogue has nothing left to do.
    void check_finish() {
        if (op_.accepts_epilogue())
            report_.expect(trial_.finishes_without_a_change(), "finish",
                           "it writes what an epilogue has gone on from");
    }

    void check_in_place() {
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < applied_.inputs.size(); ++i) {
            if (!op_.in_place(i)) continue;
            all.push_back(i);
            check_over({i}, made_);
        }
        if (all.size() < 2) return;
        AppliedOp<T> merged = applied_;
        for (const std::size_t i : all) {
            if (merged.shapes[i] != merged.shapes[all.front()]) return;
            merged.inputs[i] = merged.inputs[all.front()];
        }
        check_over(all, evaluate(merged));
    }

    void check_over(const std::vector<std::size_t>& inputs, const std::vector<T>& expected) {
        const std::string when = fmt::format("over the buffer of input {}", fmt::join(inputs, " and "));
        expect_same(expected, trial_.compute({.over = inputs}), "in_place", when);
        if (trial_.tiles() < 2) return;
        expect_same(expected, trial_.compute({.reversed = true, .over = inputs}), "in_place",
                    when + " in reverse order");
    }

    const AppliedOp<T>& applied_;
    const Op& op_;
    PromiseReport report_;
    Trial trial_;
    std::vector<T> made_;
};

}  // namespace

template <class T>
std::vector<T> evaluate(const AppliedOp<T>& applied) {
    const Signature signature{applied.shapes, applied.output};
    std::vector<const T*> inputs;
    for (const std::vector<T>& values : applied.inputs) inputs.push_back(values.data());
    GuardedBuffer<T> output(applied.output.elements()), workspace(applied.op->workspace(signature)),
        scratch(applied.op->scratch(signature));
    const Kernel<T> kernel{applied.shapes,   applied.output, inputs, output.data(),
                           workspace.data(), scratch.data(), 0,      0};
    const std::size_t tiles = applied.op->tiles(signature);
    for (std::size_t tile = 0; tile < tiles; ++tile) run_tile(*applied.op, kernel, tile);
    applied.op->finish(kernel);
    return output.values();
}

template <class T>
PromiseReport check_kernel(const AppliedOp<T>& applied) {
    return KernelCheck<T>(applied).check();
}

void PromiseReport::add(const PromiseReport& part, const std::string& of) {
    for (const auto& [promise, times] : part.checked) checked[promise] += times;
    for (const BrokenPromise& each : part.broken)
        broken.push_back({each.promise, fmt::format("{}: {}", of, each.how)});
}

template std::vector<float> evaluate(const AppliedOp<float>&);
template std::vector<double> evaluate(const AppliedOp<double>&);
template PromiseReport check_kernel(const AppliedOp<float>&);
template PromiseReport check_kernel(const AppliedOp<double>&);

}  // namespace duet
