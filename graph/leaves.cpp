#include <duet/graph/leaves.hpp>

#include <cassert>

#include <fmt/format.h>

namespace duet {

void LeafOp::run(const Kernel<float>&) const {
    assert(false && "a leaf has no kernel");
}
void LeafOp::run(const Kernel<double>&) const {
    assert(false && "a leaf has no kernel");
}

std::string ConstantOp::attributes() const {
    if (values_.size() == 1) return fmt::format("{}", values_.front());
    return fmt::format("array@{}", static_cast<const void*>(this));
}

}  // namespace duet
