#include "planted_ops.hpp"

#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include <duet/graph/graph.hpp>
#include <duet/graph/op.hpp>
#include <duet/ops/arithmetic.hpp>

namespace duet {

namespace {

constexpr std::size_t length = 4;
const Shape rows_shape{3, length};

Region row_of(std::size_t tile, std::size_t elements = length) {
    return {tile * length, 1, elements, elements};
}

/// Doubles its input, a row a tile: right in all it says, of which each planted op breaks something.
class Rows : public OpOf<Rows> {
 public:
    std::string name() const override { return "rows"; }
    Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
    double flops(const Signature& signature) const override {
        return static_cast<double>(signature.output.elements());
    }
    bool differentiable(std::size_t) const override { return false; }
    bool in_place(std::size_t) const override { return true; }
    std::size_t tiles(const Signature& signature) const override {
        return signature.output.elements() / length;
    }
    bool accepts_epilogue() const override { return true; }
    Region region(const Signature&, std::size_t tile) const override { return row_of(tile); }
    std::optional<Region> region_read(const Signature&, std::size_t, std::size_t tile) const override {
        return row_of(tile);
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, T(0));
    }

 protected:
    template <class T>
    static void fill(const Kernel<T>& kernel, T added, std::size_t elements = length) {
        for (std::size_t i = kernel.tile * length; i < kernel.tile * length + elements; ++i)
            kernel.output[i] = 2 * kernel.inputs[0][i] + added;
    }
};

class MirroredInPlace final : public OpOf<MirroredInPlace, Rows> {
 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const std::size_t begin = kernel.tile * length;
        for (std::size_t i = 0; i < length; ++i)
            kernel.output[begin + i] = kernel.inputs[0][begin + length - 1 - i];
    }
};

class LargeRegion final : public Rows {
    Region region(const Signature&, std::size_t) const override { return {0, 1, 2 * length, 2 * length}; }
};

class SmallRegion final : public Rows {
    Region region(const Signature&, std::size_t tile) const override { return row_of(tile, length - 1); }
};

class RegionBeyond final : public Rows {
    Region region(const Signature&, std::size_t tile) const override { return row_of(tile + 1); }
};

/// Each tile makes the row before its own too.
class OverlappingRegions final : public OpOf<OverlappingRegions, Rows> {
    Region region(const Signature&, std::size_t tile) const override {
        return tile == 0 ? row_of(0) : Region{(tile - 1) * length, 1, 2 * length, 2 * length};
    }

 public:
    std::optional<Region> region_read(const Signature&, std::size_t, std::size_t) const override {
        return {};
    }
    template <class T>
    void compute(Kernel<T> kernel) const {
        fill(kernel, T(0));
        if (kernel.tile-- > 0) fill(kernel, T(0));
    }
};

class SmallRegionRead final : public Rows {
    std::optional<Region> region_read(const Signature&, std::size_t, std::size_t tile) const override {
        return row_of(tile, length - 1);
    }
};

class OrderedTiles final : public OpOf<OrderedTiles, Rows> {
 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, kernel.tile > 0 ? kernel.output[kernel.tile * length - 1] : T(0));
    }
};

/// Every tile writes the same number to the first element.
class SharedElement final : public OpOf<SharedElement, Rows> {
 public:
    bool accepts_epilogue() const override { return false; }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, T(0));
        kernel.output[0] = 2 * kernel.inputs[0][0];
    }
};

class BesideOutput final : public OpOf<BesideOutput, Rows> {
 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, T(0));
        kernel.output[kernel.output_shape.elements()] = T(0);
    }
};

class ToInput final : public OpOf<ToInput, Rows> {
 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, T(0));
        const_cast<T&>(kernel.inputs[0][0]) = T(0);
    }
};

class LastElementMissing final : public OpOf<LastElementMissing, Rows> {
 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, T(0), length - 1);
    }
};

class StaleWorkspace final : public OpOf<StaleWorkspace, Rows> {
    std::size_t workspace(const Signature&) const override { return 1; }

 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, kernel.workspace[0]);
    }
};

class StaleScratch final : public OpOf<StaleScratch, Rows> {
    std::size_t scratch(const Signature&) const override { return 1; }

 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, kernel.scratch[0]);
    }
};

class LateFinish final : public Rows {
    void finish(const Kernel<float>& kernel) const override { kernel.output[0] = 1; }
    void finish(const Kernel<double>& kernel) const override { kernel.output[0] = 1; }
};

class HiddenDraw final : public OpOf<HiddenDraw, Rows> {
 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, static_cast<T>(kernel.draw));
    }
};

class HiddenState final : public OpOf<HiddenState, Rows> {
 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, static_cast<T>(++runs_));
    }

 private:
    mutable std::size_t runs_ = 0;
};

class NothingDrawn final : public Rows {
    bool pure() const override { return false; }
};

class DoubledAlias final : public Rows {
    bool aliases() const override { return true; }
};

class NegativeCost final : public Rows {
    double flops(const Signature&) const override { return -1; }
};

class UncertainShape final : public Rows {
    Shape shape(std::span<const Shape> inputs) const override { return asked_++ == 0 ? inputs[0] : Shape{}; }
    mutable std::size_t asked_ = 0;
};

class SuddenFailure final : public OpOf<SuddenFailure, Rows> {
 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        if (std::isnan(kernel.inputs[0][kernel.tile * length])) throw std::runtime_error("not a number");
        fill(kernel, T(0));
    }
};

class ForgottenAttribute final : public OpOf<ForgottenAttribute, Rows> {
 public:
    explicit ForgottenAttribute(double added) : added_(added) {}
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        fill(kernel, static_cast<T>(added_));
    }

 private:
    double added_;
};

class LostProducer final : public Rows {
    std::shared_ptr<const Op> absorb(std::size_t, const Op&) const override {
        return std::make_shared<Rows>();
    }
};

class RearrangedTwice final : public Rows {
    std::optional<Rearranged> rearranged(const Signature&) const override {
        return Rearranged{0, std::make_shared<Rows>(), std::make_shared<Rows>()};
    }
};

class Subtracting final : public OpOf<Subtracting, Rows> {
 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        for (std::size_t i = kernel.tile * length; i < (kernel.tile + 1) * length; ++i)
            kernel.output[i] = 2 * kernel.inputs[0][i] - kernel.inputs[1][i];
    }
};

class TakesAway final : public Rows {
    std::shared_ptr<const Op> accumulating() const override { return std::make_shared<Subtracting>(); }
};

/// The sums of rows, a row a tile.
class RowSums : public OpOf<RowSums> {
 public:
    std::string name() const override { return "row_sums"; }
    Shape shape(std::span<const Shape> inputs) const override { return {inputs[0][0]}; }
    double flops(const Signature&) const override { return 1; }
    bool differentiable(std::size_t) const override { return false; }
    std::size_t tiles(const Signature& signature) const override { return signature.output.elements(); }
    bool accepts_prologue() const override { return true; }
    std::optional<Region> region_read(const Signature&, std::size_t, std::size_t tile) const override {
        return row_of(tile);
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        sum(kernel, kernel.region);
    }

 protected:
    template <class T>
    static void sum(const Kernel<T>& kernel, const T* row) {
        T sum = 0;
        for (std::size_t i = 0; i < length; ++i) sum += row[i];
        kernel.output[kernel.tile] = sum;
    }
};

class PastTheRegion final : public OpOf<PastTheRegion, RowSums> {
 public:
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        sum(kernel, kernel.inputs[0] + kernel.tile * length);
    }
};

class RowsUnread final : public RowSums {
    std::optional<Region> region_read(const Signature&, std::size_t, std::size_t) const override {
        return row_of(0);
    }
};

class SmallerInPlace final : public RowSums {
    bool in_place(std::size_t) const override { return true; }
};

/// Repeats a row down the columns of a square.
class ColumnsRepeated final : public OpOf<ColumnsRepeated> {
 public:
    std::string name() const override { return "columns_repeated"; }
    Shape shape(std::span<const Shape> inputs) const override { return {inputs[0][0], inputs[0][0]}; }
    double flops(const Signature&) const override { return 0; }
    bool differentiable(std::size_t) const override { return false; }
    bool expands() const override { return true; }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const std::size_t count = kernel.output_shape[0];
        for (std::size_t i = 0; i < count * count; ++i) kernel.output[i] = kernel.inputs[0][i / count];
    }
};

template <class Planted>
OpCase of_rows() {
    return case_of(std::make_shared<Planted>(), {rows_shape});
}

}  // namespace

OpCase case_of(const std::shared_ptr<const Op>& op, std::vector<Shape> shapes) {
    return {{},
            op->name(),
            [op](Graph& graph, const std::vector<Tensor>& inputs) { return graph.apply(op, inputs, {}); },
            std::move(shapes),
            -1,
            1};
}

std::vector<PlantedCase> planted_cases() {
    OpCase merged = of_rows<Rows>(), absorbing = merged;
    merged.build = [](Graph&, const std::vector<Tensor>& x) {
        return apply(std::make_shared<ForgottenAttribute>(1), {x[0]}) *
               apply(std::make_shared<ForgottenAttribute>(2), {x[0]});
    };
    absorbing.build = [](Graph&, const std::vector<Tensor>& x) {
        return apply(std::make_shared<LostProducer>(), {apply(std::make_shared<Rows>(), {x[0]})});
    };
    std::vector<PlantedCase> cases{{"in_place", of_rows<MirroredInPlace>()},
                                   {"in_place", of_rows<SmallerInPlace>()},
                                   {"region", of_rows<LargeRegion>()},
                                   {"region", of_rows<SmallRegion>()},
                                   {"region", of_rows<RegionBeyond>()},
                                   {"region", of_rows<OverlappingRegions>()},
                                   {"region_read", of_rows<SmallRegionRead>()},
                                   {"tiles", of_rows<OrderedTiles>()},
                                   {"tiles", of_rows<SharedElement>()},
                                   {"bounds", of_rows<BesideOutput>()},
                                   {"inputs", of_rows<ToInput>()},
                                   {"output", of_rows<LastElementMissing>()},
                                   {"workspace", of_rows<StaleWorkspace>()},
                                   {"scratch", of_rows<StaleScratch>()},
                                   {"finish", of_rows<LateFinish>()},
                                   {"accepts_prologue", of_rows<PastTheRegion>()},
                                   {"accepts_prologue", of_rows<RowsUnread>()},
                                   {"pure", of_rows<HiddenDraw>()},
                                   {"pure", of_rows<HiddenState>()},
                                   {"pure", of_rows<NothingDrawn>()},
                                   {"aliases", of_rows<DoubledAlias>()},
                                   {"expands", case_of(std::make_shared<ColumnsRepeated>(), {{3}})},
                                   {"may_fail", of_rows<SuddenFailure>()},
                                   {"attributes", merged},
                                   {"absorb", absorbing},
                                   {"rearranged", of_rows<RearrangedTwice>()},
                                   {"accumulating", of_rows<TakesAway>()},
                                   {"shape", of_rows<UncertainShape>()},
                                   {"flops", of_rows<NegativeCost>()}};
    for (PlantedCase& each : planted_blocks()) cases.push_back(std::move(each));
    return cases;
}

std::vector<OpCase> honest_cases() {
    return {of_rows<Rows>(), of_rows<RowSums>()};
}

}  // namespace duet
