#pragma once

#include <memory>

#include <xtensor/xstorage.hpp>
#include <xtensor/xtensor_forward.hpp>

namespace duet {

/// The dense row-major xtensor array that crosses the API's edge: feeds, fetches, values of variables.
/// The allocator is named so that the type, and with it the ABI, is the same under every compiler flag.
/// This header declares the type only; include <xtensor/xarray.hpp> (or <duet/duet.hpp>) to use one.
template <class T>
using ArrayOf = xt::xarray<T, xt::layout_type::row_major, std::allocator<T>>;

using Array = ArrayOf<float>;

}  // namespace duet
