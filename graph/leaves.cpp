#include <duet/graph/leaves.hpp>

#include <cassert>

namespace duet {

void LeafOp::run(const Kernel<float>&) const {
    assert(false && "a leaf has no kernel");
}
void LeafOp::run(const Kernel<double>&) const {
    assert(false && "a leaf has no kernel");
}

}  // namespace duet
