#pragma once

/// Stands before a loop of which no iteration reads what another writes: it is then vectorised.
#if defined(__clang__)
#define DUET_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define DUET_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep")
#else
#define DUET_INDEPENDENT_ITERATIONS
#endif
