#include <duet/ops/kernels/openblas.hpp>

#include <dlfcn.h>

namespace duet {

void* openblas_address(const char* function) {
    // A process that is linked with OpenBLAS gets the library that it has.
    static void* const library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    return library ? dlsym(library, function) : nullptr;
}

}  // namespace duet
