#include <duet/graph/region.hpp>

namespace duet {

bool contiguous(const Region& region) {
    return region.rows == 1 || region.stride == region.length;
}

bool nests(const Region& inner, const Region& outer) {
    const auto end = [](const Region& region) {
        return region.begin + (region.rows - 1) * region.stride + region.length;
    };
    if (inner.begin < outer.begin || end(inner) > end(outer)) return false;
    if (contiguous(outer)) return true;
    const std::size_t column = (inner.begin - outer.begin) % outer.stride;
    return (inner.rows == 1 || inner.stride == outer.stride) && column + inner.length <= outer.length;
}

}  // namespace duet
