#pragma once

#include <algorithm>
#include <cstddef>

namespace duet {

/// For ops that add to an output which is zero elsewhere: makes `count` elements of it from `begin` those of
/// the addend, or zeros if there is none. An addend that is the output's own buffer stands there already.
template <class T>
void begin_with(const T* addend, T* output, std::size_t begin, std::size_t count) {
    if (!addend)
        std::fill_n(output + begin, count, T(0));
    else if (addend != output)
        std::copy_n(addend + begin, count, output + begin);
}

}  // namespace duet
