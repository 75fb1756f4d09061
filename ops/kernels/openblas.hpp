#pragma once

namespace duet {

/// The address of a function of OpenBLAS, whose library is opened at the first call; null where there is
/// none. Its threads start as it is loaded, a thread for each processor, and each waits until it has been
/// granted 128 MiB of address space, for ever if need be; so programs that multiply in float32 alone, such as
/// the duet command, run without it.
void* openblas_address(const char* function);

/// The same as a function of that type.
template <class Function>
Function* openblas_function(const char* function) {
    return reinterpret_cast<Function*>(openblas_address(function));
}

}  // namespace duet
