#include <algorithm>
#include <random>

#include "../graph/elementwise_chain.hpp"
#include "promises.hpp"

namespace duet {

namespace {

template <class T>
class BlockCheck {
 public:
    BlockCheck(const std::shared_ptr<const Op>& op, std::size_t arity)
        : op_(op), blocks_(*op->elementwise()), inputs_(arity) {
        for (std::vector<T>& values : inputs_) values = random_values<T>(random_, count);
        made_ = block(inputs_, 0, count);
    }

    PromiseReport check() {
        check_places();
        check_order();
        if (blocks_.takes_scalar()) check_scalars();
        check_machine_code();
        return report_;
    }

 private:
    using Values = std::vector<T>;
    static constexpr std::size_t count = 83;

    Values block(const std::vector<Values>& inputs, std::size_t begin, std::size_t length) const {
        std::vector<const T*> addresses;
        for (const Values& values : inputs) addresses.push_back(values.data() + begin);
        Values output(length);
        blocks_.block(addresses.data(), output.data(), length);
        return output;
    }

    /// Blocks of every length, and elements at every place in them.
    void check_places() {
        bool kept = true;
        for (std::size_t begin = 0; begin < count; ++begin)
            for (const std::size_t end : {begin + 1, begin + (count - begin + 1) / 2, count}) {
                const Values part = block(inputs_, begin, end - begin);
                kept = kept && same(part, Values(made_.begin() + static_cast<std::ptrdiff_t>(begin),
                                                 made_.begin() + static_cast<std::ptrdiff_t>(end)));
            }
        report_.expect(kept, "elementwise", "an element depends on where in its block it stands");
    }

    void check_order() {
        std::vector<Values> inputs = inputs_;
        for (Values& values : inputs) std::reverse(values.begin(), values.end());
        Values made = block(inputs, 0, count);
        std::reverse(made.begin(), made.end());
        report_.expect(same(made, made_), "elementwise", "an element depends on its neighbours");
    }

    void check_scalars() {
        for (std::size_t scalar = 0; scalar < inputs_.size(); ++scalar)
            for (std::size_t i = 0; i < count; i += 3) {
                std::vector<Values> inputs = inputs_;
                std::fill(inputs[scalar].begin(), inputs[scalar].end(), inputs_[scalar][i]);
                const Values expected = block(inputs, 0, count);
                std::vector<const T*> addresses;
                for (const Values& values : inputs) addresses.push_back(values.data());
                addresses[scalar] = &inputs_[scalar][i];
                Values apart(count);
                blocks_.block_with_scalar(addresses.data(), scalar, apart.data(), count);
                bool kept = same(apart, expected);
                for (std::size_t over = 0; over < inputs.size(); ++over) {
                    if (over == scalar) continue;
                    Values output = inputs[over];
                    std::vector<const T*> shared = addresses;
                    shared[over] = output.data();
                    blocks_.block_with_scalar(shared.data(), scalar, output.data(), count);
                    kept = kept && same(output, expected);
                }
                report_.expect(kept, "takes_scalar", "of {} as input {} it makes other bits than its block",
                               inputs_[scalar][i], scalar);
            }
    }

    void check_machine_code() {
        VectorCode recorded;
        std::vector<Vector> vectors;
        for (std::size_t i = 0; i < inputs_.size(); ++i) vectors.push_back(recorded.load());
        if (!blocks_.emit(vectors) || !MachineCode::create()) return;
        report_.expect(machine_code_makes_the_blocks_bits<T>(op_, inputs_.size(), random_), "emit",
                       "machine code makes other bits than the block");
    }

    const std::shared_ptr<const Op>& op_;
    const ElementwiseOp& blocks_;
    std::mt19937 random_{5};
    std::vector<Values> inputs_;
    Values made_;
    PromiseReport report_;
};

}  // namespace

template <class T>
PromiseReport check_blocks(const std::shared_ptr<const Op>& op, std::size_t arity) {
    return BlockCheck<T>(op, arity).check();
}

template PromiseReport check_blocks<float>(const std::shared_ptr<const Op>&, std::size_t);
template PromiseReport check_blocks<double>(const std::shared_ptr<const Op>&, std::size_t);

}  // namespace duet
