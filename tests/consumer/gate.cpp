// An elementwise op of one's own, in a file that is compiled with the flags that duet.pc has for such: run.sh
// looks at its machine code.
#include <cmath>
#include <memory>
#include <string>

#include <duet/duet.hpp>

using namespace duet;

namespace {

/// sqrt(x) y + 1 where x > 0, else y y - x.
class Gate final : public ElementwiseOf<Gate> {
 public:
    std::string name() const override { return "gate"; }
    template <class T>
    T value(T x, T y) const {
        return x > T(0) ? std::sqrt(x) * y + T(1) : y * y - x;
    }
};

}  // namespace

Tensor gate(Operand x, Operand y) {
    return apply(std::make_shared<Gate>(), {x, y});
}
