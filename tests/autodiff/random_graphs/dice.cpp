#include "dice.hpp"

#include <xtensor/xarray.hpp>

#include <duet/graph/variable.hpp>

namespace duet::testing {

template <class T>
ArrayOf<T> drawn(Dice& dice, const Shape& shape, const Range& range) {
    ArrayOf<T> values = filled(shape, T(0));
    const auto steps = static_cast<std::size_t>(range.step > 0 ? (range.high - range.low) / range.step : 0);
    for (T& value : values.storage())
        value =
            static_cast<T>(range.step > 0 ? range.low + range.step * static_cast<double>(dice.below(steps))
                                          : dice.between(range.low, range.high));
    return values;
}
template ArrayOf<float> drawn<float>(Dice&, const Shape&, const Range&);
template ArrayOf<double> drawn<double>(Dice&, const Shape&, const Range&);

}  // namespace duet::testing
