#include <duet/graph/runtime/repetition.hpp>

#include <algorithm>
#include <cassert>

namespace duet {

Repetition::Repetition(const Shape& source, const Shape& result) {
    assert(source.rank() <= result.rank());
    const std::size_t added = result.rank() - source.rank();
    std::vector<Axis> inner_first;
    std::size_t stride = 1;
    for (std::size_t axis = result.rank(); axis-- > 0;) {
        const std::size_t extent = axis < added ? 1 : source[axis - added];
        assert(extent == 1 || extent == result[axis]);
        if (result[axis] == 1) continue;
        const std::size_t step = extent == 1 ? 0 : stride;
        stride *= extent;
        const bool continues = !inner_first.empty() && (step == 0) == (inner_first.back().stride == 0);
        if (continues)
            inner_first.back().extent *= result[axis];
        else
            inner_first.push_back({result[axis], step});
    }
    if (inner_first.empty()) inner_first.push_back({1, 0});
    axes_.assign(inner_first.rbegin(), inner_first.rend());
    if (axes_.front().stride == 0) {
        period_ = 1;
        for (std::size_t axis = 1; axis < axes_.size(); ++axis) period_ *= axes_[axis].extent;
    }
}

std::size_t Repetition::source(std::size_t index) const {
    std::size_t source = 0;
    for (std::size_t axis = axes_.size() - 1; axis > 0; --axis) {
        const std::size_t outer = index / axes_[axis].extent;
        source += (index - outer * axes_[axis].extent) * axes_[axis].stride;
        index = outer;
    }
    return source + index * axes_[0].stride;
}

template <class T>
void Repetition::expand(const T* source, std::size_t begin, std::size_t count, T* output) const {
    while (count > 0) {
        const std::size_t length = std::min(left_in_run(begin), count);
        const T* const from = source + this->source(begin);
        if (uniform())
            std::fill_n(output, length, *from);
        else
            std::copy_n(from, length, output);
        begin += length;
        output += length;
        count -= length;
    }
}

template void Repetition::expand<float>(const float*, std::size_t, std::size_t, float*) const;
template void Repetition::expand<double>(const double*, std::size_t, std::size_t, double*) const;

}  // namespace duet
