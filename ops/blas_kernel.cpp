#include <cblas.h>

#include <duet/ops/blas.hpp>

namespace duet {

const std::string& blas_kernel() {
    static const std::string name = openblas_get_corename();
    return name;
}

}  // namespace duet
