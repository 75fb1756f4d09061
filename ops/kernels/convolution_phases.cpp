#include <duet/ops/kernels/convolution_phases.hpp>

#include <algorithm>
#include <numeric>

#include <duet/ops/kernels/strided_rows.hpp>

namespace duet {

Phases::Phases(const ConvolutionGeometry& geometry, std::size_t rows) : geometry_(geometry) {
    const std::array<std::size_t, 2> features{rows, geometry.features[1]};
    for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::size_t reach = (geometry.kernel[axis] - 1) * geometry.dilation[axis] + 1;
        counts_[axis] = std::min(geometry.stride[axis], reach);
        extents_[axis] = features[axis] + (reach - 1) / geometry.stride[axis];
        dilation_whole_[axis] = geometry.dilation[axis] / geometry.stride[axis];
        dilation_rest_[axis] = geometry.dilation[axis] % geometry.stride[axis];
        const std::size_t common = std::gcd(geometry.dilation[axis], geometry.stride[axis]);
        next_[axis] = {geometry.stride[axis] / common, geometry.dilation[axis] / common};
        covers_image_ =
            covers_image_ && counts_[axis] == geometry.stride[axis] &&
            extents_[axis] * geometry.stride[axis] >= geometry.image[axis] + geometry.padding[axis];
    }
    in_pairs_ = counts_[1] == 2 && geometry.stride[1] == 2;
    for (std::size_t parity = 0; parity < 2 && in_pairs_; ++parity) {
        const std::size_t phase = (geometry.padding[1] + parity) % 2;
        const Range inner = inside(1, phase, 0);
        columns_[parity] = {phase, inner.begin, inner.size()};
    }
    cut_ = rows < geometry.features[0];
}

/// Which pixels of a phase, of which the first stands for number `first`, lie in the image.
Range Phases::inside(std::size_t axis, std::size_t phase, std::size_t first) const {
    const std::size_t stride = geometry_.stride[axis], padding = geometry_.padding[axis];
    const std::size_t at = first * stride + phase, behind = geometry_.image[axis] + padding;
    const std::size_t begin = padding > at ? ceil_divide(padding - at, stride) : 0;
    const std::size_t end = behind > at ? ceil_divide(behind - at, stride) : 0;
    return {std::min(begin, extents_[axis]), std::min(std::max(begin, end), extents_[axis])};
}

/// Visits each row of the image that meets features, with the row's place within a plane of the phases of its
/// row phase. `first_row` is the features' first row.
template <class VisitRow>
void Phases::for_each_row(std::size_t first_row, const VisitRow& visit) const {
    for (std::size_t a = 0; a < counts_[0]; ++a) {
        const Range y = inside(0, a, first_row);
        for (std::size_t i = y.begin; i < y.end; ++i)
            visit((first_row + i) * geometry_.stride[0] + a - geometry_.padding[0],
                  a * counts_[1] * plane() + i * extents_[1]);
    }
}

template <class T>
void Phases::take_apart(const T* image, std::size_t first_row, T* phases) const {
    for (std::size_t a = 0; a < counts_[0] && cut_; ++a) {
        const Range y = inside(0, a, first_row);
        for (std::size_t b = 0; b < counts_[1]; ++b) {
            T* const phase = phases + (a * counts_[1] + b) * plane();
            std::fill_n(phase, y.begin * extents_[1], T(0));
            std::fill_n(phase + y.end * extents_[1], (extents_[0] - y.end) * extents_[1], T(0));
        }
    }
    if (in_pairs_) {
        const std::size_t pairs = std::min(columns_[0].count, columns_[1].count);
        for_each_row(first_row, [&](std::size_t row, std::size_t place) {
            const T* const from = image + row * geometry_.image[1];
            T* const even = phases + place + columns_[0].phase * plane() + columns_[0].begin;
            T* const odd = phases + place + columns_[1].phase * plane() + columns_[1].begin;
            split_pairs(from, pairs, even, odd);
            for (std::size_t i = pairs; i < columns_[0].count; ++i) even[i] = from[2 * i];
            for (std::size_t i = pairs; i < columns_[1].count; ++i) odd[i] = from[2 * i + 1];
        });
        return;
    }
    const std::size_t stride = geometry_.stride[1];
    for (std::size_t b = 0; b < counts_[1]; ++b) {
        const Range x = inside(1, b, 0);
        if (x.size() == 0) continue;
        const std::size_t column = x.begin * stride + b - geometry_.padding[1];
        for_each_row(first_row, [&](std::size_t row, std::size_t place) {
            const T* const from = image + row * geometry_.image[1] + column;
            T* const to = phases + place + b * plane() + x.begin;
            for (std::size_t i = 0; i < x.size(); ++i) to[i] = from[i * stride];
        });
    }
}

/// Visits each tap, in the weight's order, with the place in the phases where its window begins.
template <class Visit>
void Phases::for_each_tap(const Visit& visit) const {
    const auto step = [&](std::size_t axis, std::size_t& phase, std::size_t& offset) {
        phase += dilation_rest_[axis];
        offset += dilation_whole_[axis];
        if (phase < geometry_.stride[axis]) return;
        phase -= geometry_.stride[axis];
        ++offset;
    };
    std::size_t tap = 0, a = 0, y = 0;
    for (std::size_t i = 0; i < geometry_.kernel[0]; ++i, step(0, a, y)) {
        std::size_t b = 0, x = 0;
        for (std::size_t j = 0; j < geometry_.kernel[1]; ++j, step(1, b, x), ++tap)
            visit(tap, (a * counts_[1] + b) * plane() + y * extents_[1] + x);
    }
}

template <class T>
void Phases::lower(const T* phases, std::size_t rows, T* lowered, std::size_t stride) const {
    const std::size_t width = geometry_.features[1];
    for_each_tap([&](std::size_t tap, std::size_t begin) {
        copy_rows(phases + begin, extents_[1], rows, width, lowered + tap * stride, width);
    });
}

/// The first tap that meets a phase, with its window's place there; the kernel's extent if none does.
auto Phases::first_tap(std::size_t axis, std::size_t phase) const -> Tap {
    Tap tap{0, 0};
    for (std::size_t at = 0; at != phase && tap.number < geometry_.kernel[axis]; ++tap.number) {
        at += dilation_rest_[axis];
        tap.offset += dilation_whole_[axis];
        if (at < geometry_.stride[axis]) continue;
        at -= geometry_.stride[axis];
        ++tap.offset;
    }
    return tap;
}

/// The sums of phase (a, b). Rows of sums are read and written in whole chunks, always the same ones.
template <class T>
void Phases::sum_phase(const T* lowered, std::size_t stride, std::size_t a, std::size_t b, T* sums) const {
    const std::size_t width = geometry_.features[1], pitch = row_elements();
    std::fill_n(sums, extents_[0] * pitch, T(0));
    const Tap left = first_tap(1, b);
    for (Tap y = first_tap(0, a); y.number < geometry_.kernel[0]; y += next_[0])
        for (Tap x = left; x.number < geometry_.kernel[1]; x += next_[1]) {
            const T* const from = lowered + (y.number * geometry_.kernel[1] + x.number) * stride;
            const std::size_t end = x.offset + width;
            for (std::size_t begin = x.offset / row_chunk * row_chunk; begin < end; begin += row_chunk)
                add_chunks(from, begin, x.offset, width, geometry_.features[0],
                           sums + y.offset * pitch + begin, pitch);
        }
}

template <class T>
void Phases::gather(const T* lowered, std::size_t stride, T* sums, T* image) const {
    if (!covers_image_) std::fill_n(image, geometry_.image_pixels(), T(0));
    const std::size_t pitch = row_elements(), phase = extents_[0] * pitch;
    for (std::size_t a = 0; a < counts_[0]; ++a) {
        for (std::size_t b = 0; b < counts_[1]; ++b) sum_phase(lowered, stride, a, b, sums + b * phase);
        const Range y = inside(0, a, 0);
        for (std::size_t i = y.begin; i < y.end; ++i) {
            const std::size_t row = i * geometry_.stride[0] + a - geometry_.padding[0];
            put_together(sums + i * pitch, phase, image + row * geometry_.image[1]);
        }
    }
}

/// Writes a row of the image from its row in each column phase.
template <class T>
void Phases::put_together(const T* sums, std::size_t apart, T* row) const {
    const std::size_t stride = geometry_.stride[1];
    if (in_pairs_) {
        const T* const even = sums + columns_[0].phase * apart + columns_[0].begin;
        const T* const odd = sums + columns_[1].phase * apart + columns_[1].begin;
        const std::size_t pairs = std::min(columns_[0].count, columns_[1].count);
        join_pairs(even, odd, pairs, row);
        for (std::size_t i = pairs; i < columns_[0].count; ++i) row[2 * i] = even[i];
        for (std::size_t i = pairs; i < columns_[1].count; ++i) row[2 * i + 1] = odd[i];
        return;
    }
    for (std::size_t b = 0; b < counts_[1]; ++b) {
        const Range x = inside(1, b, 0);
        if (x.size() == 0) continue;
        const T* const from = sums + b * apart + x.begin;
        T* const to = row + (x.begin * stride + b - geometry_.padding[1]);
        if (stride == 1)
            std::copy_n(from, x.size(), to);
        else
            for (std::size_t i = 0; i < x.size(); ++i) to[i * stride] = from[i];
    }
}

template void Phases::take_apart(const float*, std::size_t, float*) const;
template void Phases::lower(const float*, std::size_t, float*, std::size_t) const;
template void Phases::gather(const float*, std::size_t, float*, float*) const;
template void Phases::take_apart(const double*, std::size_t, double*) const;
template void Phases::lower(const double*, std::size_t, double*, std::size_t) const;
template void Phases::gather(const double*, std::size_t, double*, double*) const;

}  // namespace duet
