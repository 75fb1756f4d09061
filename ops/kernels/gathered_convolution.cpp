#include <duet/ops/kernels/gathered_convolution.hpp>

#include <algorithm>
#include <array>

#include <duet/ops/kernels/arranged_panels.hpp>
#include <duet/ops/kernels/convolution_kernel.hpp>
#include <duet/ops/kernels/panel_product.hpp>
#include <duet/ops/kernels/strided_rows.hpp>

namespace duet {

namespace {

/// Rows of patches that one list names.
constexpr std::size_t most_rows = 512;

/// The features met by the first pixels of all phases along an axis.
PixelRange met_features(const ConvolutionGeometry& geometry, std::size_t axis) {
    const auto stride = static_cast<std::ptrdiff_t>(geometry.stride[axis]);
    const auto padding = static_cast<std::ptrdiff_t>(geometry.padding[axis]);
    const auto reach = static_cast<std::ptrdiff_t>((geometry.kernel[axis] - 1) * geometry.dilation[axis]);
    // Of phases 0 to stride - 1: from (padding - reach) / stride to (padding + stride - 1) / stride, rounded
    // towards numbers that some phase reaches.
    const std::ptrdiff_t first = padding - reach;
    const std::ptrdiff_t lowest = first >= 0 ? (first + stride - 1) / stride : -(-first / stride);
    const std::ptrdiff_t highest = (padding + stride - 1) / stride;
    return {lowest, static_cast<std::size_t>(highest - lowest + 1)};
}

/// How many pixels along an axis of the image belong to a phase.
std::size_t phase_extent(const ConvolutionGeometry& geometry, std::size_t axis, std::size_t phase) {
    const std::size_t stride = geometry.stride[axis];
    return geometry.image[axis] > phase ? (geometry.image[axis] - phase + stride - 1) / stride : 0;
}

/// What so many feature pixels meet of the image.
std::size_t image_extent(const ConvolutionGeometry& geometry, std::size_t axis, std::size_t features) {
    return (features - 1) * geometry.stride[axis] + (geometry.kernel[axis] - 1) * geometry.dilation[axis] + 1;
}

PixelRange met_pixels(const ConvolutionGeometry& geometry, std::size_t axis, const Range& features) {
    return {static_cast<std::ptrdiff_t>(features.begin * geometry.stride[axis]) -
                static_cast<std::ptrdiff_t>(geometry.padding[axis]),
            image_extent(geometry, axis, features.size())};
}

/// Visits blocks of a plan: of samples, and of `rows` rows.
template <class Visit>
void for_each_block(const ConvolutionPlan& plan, const Range& samples, std::size_t rows, const Visit& visit) {
    for (std::size_t sample = samples.begin; sample < samples.end; sample += plan.samples)
        for (std::size_t row = 0; row < rows; row += plan.rows)
            visit(Range{sample, std::min(sample + plan.samples, samples.end)},
                  Range{row, std::min(row + plan.rows, rows)});
}

/// Places in a window, no more than are multiplied at a time.
template <std::size_t most>
struct Places {
    std::size_t count = 0;
    std::size_t offsets[most];

    void add(std::size_t offset) { offsets[count++] = offset; }
    bool full() const { return count == most; }
};

using Rows = Places<most_rows>;
using Terms = Places<panel_terms>;

bool within(const PixelRange& pixels, std::size_t extent) {
    return pixels.begin >= 0 && static_cast<std::size_t>(pixels.begin) + pixels.size <= extent;
}

}  // namespace

/// Planes of pixels where a tensor holds them.
template <class T>
struct GatheredTile<T>::Planes {
    const T* elements;
    std::size_t samples, sample_stride, channels;
    std::array<std::size_t, 2> extents;
};

/// The same pixels of every plane.
template <class T>
struct GatheredTile<T>::Window {
    const T* elements;
    std::size_t sample_stride, channel_stride, row_stride;
};

template <class T>
GatheredTile<T>::GatheredTile(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan,
                              ConvolutionPass pass, std::size_t tile, T* scratch, bool arranged)
    : geometry_(geometry), plan_(plan) {
    const TilePart part = tile_part(geometry, plan, pass, tile);
    samples_ = part.samples;
    arranged_ = arranged;
    groups_ = part.groups;
    channels_ = part.channels;
    packed_ = scratch;
    window_ = packed_ + plan.product_elements;
    result_ = window_ + plan.window_elements;
    operand_ = result_ + plan.result_elements;
    part_ = tile / plan.slices;
}

/// Where the window reaches beyond the planes it is copied, with zeros around.
template <class T>
auto GatheredTile<T>::window_of(const Planes& planes, const PixelRange& rows, const PixelRange& columns)
    -> Window {
    const auto [height, width] = planes.extents;
    const std::size_t plane = height * width;
    if (within(rows, height) && within(columns, width))
        return {planes.elements + static_cast<std::size_t>(rows.begin) * width +
                    static_cast<std::size_t>(columns.begin),
                planes.sample_stride, plane, width};
    const auto inside = [](const PixelRange& pixels, std::size_t extent) {
        const auto size = static_cast<std::ptrdiff_t>(pixels.size);
        const std::ptrdiff_t begin = std::clamp<std::ptrdiff_t>(-pixels.begin, 0, size);
        const auto end = std::clamp(static_cast<std::ptrdiff_t>(extent) - pixels.begin, begin, size);
        return Range{static_cast<std::size_t>(begin), static_cast<std::size_t>(end)};
    };
    const Range y = inside(rows, height), x = inside(columns, width);
    const std::ptrdiff_t first =
        (rows.begin + static_cast<std::ptrdiff_t>(y.begin)) * static_cast<std::ptrdiff_t>(width) +
        columns.begin + static_cast<std::ptrdiff_t>(x.begin);
    // Every plane's zeros stand in the same places until other rows are looked at.
    if (zeros_.begin != rows.begin || zeros_.size != rows.size) {
        std::fill_n(window_, plan_.window_elements, T(0));
        zeros_ = rows;
    }
    T* to = window_ + y.begin * columns.size + x.begin;
    for (std::size_t sample = 0; sample < planes.samples; ++sample)
        for (std::size_t channel = 0; channel < planes.channels; ++channel, to += rows.size * columns.size) {
            const T* from = planes.elements + sample * planes.sample_stride + channel * plane + first;
            for (std::size_t i = 0; i < y.size(); ++i)
                copy_run(from + i * width, x.size(), to + i * columns.size);
        }
    return {window_, planes.channels * rows.size * columns.size, rows.size * columns.size, columns.size};
}

template <class T>
void GatheredTile<T>::features(const T* image, const T* weight, T* features) {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t width = channels_.size();
    for (std::size_t group = groups_.begin; group < groups_.end; ++group)
        for_each_block(plan_, samples_, g.features[0], [&](const Range& samples, const Range& rows) {
            const std::size_t pixels = rows.size() * g.features[1];
            const T* const filters = weight + group * g.feature_channels * g.terms();
            for_each_piece({0, g.image_channels}, plan_.channels, [&](const Range& channels) {
                const Planes planes{image + g.image_at(samples.begin, group, channels.begin), samples.size(),
                                    g.image_at(1, 0, 0), channels.size(), g.image};
                multiply_features(
                    window_of(planes, met_pixels(g, 0, rows), met_pixels(g, 1, {0, g.features[1]})), filters,
                    channels, samples.size(), rows.size());
            });
            for (std::size_t i = 0; i < samples.size(); ++i)
                transpose_rows(result_ + i * pixels * width, width, pixels, width,
                               features + g.features_at(samples.begin + i, group, channels_.begin) +
                                   rows.begin * g.features[1],
                               g.feature_pixels());
        });
}

/// Adds what some channels of the image contribute to a block of the result, a row for each pixel.
template <class T>
void GatheredTile<T>::multiply_features(const Window& window, const T* filters, const Range& channels,
                                        std::size_t samples, std::size_t rows) {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t width = channels_.size(), stride = g.terms();
    Rows pixels;
    for (std::size_t sample = 0; sample < samples; ++sample)
        for (std::size_t y = 0; y < rows; ++y)
            for (std::size_t x = 0; x < g.features[1]; ++x)
                pixels.add(sample * window.sample_stride + y * g.stride[0] * window.row_stride +
                           x * g.stride[1]);
    std::size_t done = channels.begin * g.taps();
    Terms terms;
    const auto multiply = [&] {
        for_each_piece({0, width}, panel_columns<T>, [&](const Range& columns) {
            const Panel<T> panel =
                arranged_
                    ? arranged_panel(filters, stride, channels_.begin + columns.begin, done, columns.size())
                    : pack_panel(filters + (channels_.begin + columns.begin) * stride + done, stride, true,
                                 terms.count, columns.size(), packed_);
            multiply_panel<T>({window.elements, pixels.offsets, pixels.count, terms.offsets, terms.count},
                              panel, done > 0, result_ + columns.begin, width);
        });
        done += terms.count;
        terms.count = 0;
    };
    for (std::size_t channel = 0; channel < channels.size(); ++channel)
        for (std::size_t y = 0; y < g.kernel[0]; ++y)
            for (std::size_t x = 0; x < g.kernel[1]; ++x) {
                terms.add(channel * window.channel_stride + y * g.dilation[0] * window.row_stride +
                          x * g.dilation[1]);
                if (terms.full()) multiply();
            }
    if (terms.count > 0) multiply();
}

template <class T>
void GatheredTile<T>::image(const T* features, const T* weight, T* image) {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t width = channels_.size(), taps = g.taps();
    const PixelRange y = met_features(g, 0), x = met_features(g, 1);
    for (std::size_t group = groups_.begin; group < groups_.end; ++group) {
        const T* const filters = weight + group * g.feature_channels * g.terms();
        for (std::size_t feature = 0; feature < g.feature_channels && !arranged_; ++feature)
            transpose_rows(filters + (feature * g.image_channels + channels_.begin) * taps, taps, width, taps,
                           operand_ + feature * taps * width, width);
        for_each_block(plan_, samples_, phase_extent(g, 0, 0), [&](const Range& samples, const Range& rows) {
            const Planes planes{features + g.features_at(samples.begin, group, 0), samples.size(),
                                g.features_at(1, 0, 0), g.feature_channels, g.features};
            const Window window = window_of(
                planes, {static_cast<std::ptrdiff_t>(rows.begin) + y.begin, rows.size() + y.size - 1},
                {x.begin, phase_extent(g, 1, 0) + x.size - 1});
            for (std::size_t phase = 0; phase < g.stride[0]; ++phase) {
                const std::size_t end = std::min(rows.end, phase_extent(g, 0, phase));
                if (end <= rows.begin) continue;
                const Range phase_rows{rows.begin, end};
                for (std::size_t column_phase = 0; column_phase < g.stride[1]; ++column_phase)
                    multiply_phase(window, filters, samples.size(), phase_rows, phase, column_phase);
                for (std::size_t i = 0; i < samples.size(); ++i)
                    write_phase(i, phase_rows, phase,
                                image + g.image_at(samples.begin + i, group, channels_.begin));
            }
        });
    }
}

/// The image pixels of one phase of the strides in a block, a row for each.
template <class T>
void GatheredTile<T>::multiply_phase(const Window& window, const T* filters, std::size_t samples,
                                     const Range& rows, std::size_t row_phase, std::size_t column_phase) {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t width = channels_.size();
    T* const result = result_ + column_phase * phase_elements();
    Rows pixels;
    for (std::size_t sample = 0; sample < samples; ++sample)
        for (std::size_t y = 0; y < rows.size(); ++y)
            for (std::size_t x = 0; x < phase_extent(g, 1, column_phase); ++x)
                pixels.add(sample * window.sample_stride + y * window.row_stride + x);
    Terms terms;
    std::size_t sources[panel_terms], done = 0;
    const std::size_t before = terms_before(g, row_phase, column_phase),
                      stride = g.feature_channels * g.taps();
    const auto multiply = [&] {
        for_each_piece({0, width}, panel_columns<T>, [&](const Range& columns) {
            Panel<T> panel{packed_, panel_columns<T>, columns.size()};
            if (arranged_)
                panel = arranged_panel(filters, stride, channels_.begin + columns.begin, before + done,
                                       columns.size());
            else
                for (std::size_t i = 0; i < terms.count; ++i)
                    copy_run(operand_ + sources[i] + columns.begin, columns.size(),
                             packed_ + i * panel_columns<T>);
            multiply_panel<T>({window.elements, pixels.offsets, pixels.count, terms.offsets, terms.count},
                              panel, done > 0, result + columns.begin, width);
        });
        done += terms.count;
        terms.count = 0;
    };
    const std::ptrdiff_t lowest_y = met_features(g, 0).begin, lowest_x = met_features(g, 1).begin;
    for_each_met_tap(g, row_phase, column_phase, [&](std::size_t tap, std::ptrdiff_t y, std::ptrdiff_t x) {
        const std::size_t place = static_cast<std::size_t>(y - lowest_y) * window.row_stride +
                                  static_cast<std::size_t>(x - lowest_x);
        for (std::size_t feature = 0; feature < g.feature_channels; ++feature) {
            sources[terms.count] = (feature * g.taps() + tap) * width;
            terms.add(feature * window.channel_stride + place);
            if (terms.full()) multiply();
        }
    });
    if (terms.count > 0 || done == 0) multiply();
}

/// Interleaves what the column phases made of one sample's rows.
template <class T>
void GatheredTile<T>::write_phase(std::size_t sample, const Range& rows, std::size_t row_phase,
                                  T* image) const {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t width = channels_.size(), apart = g.stride[1],
                      plane = width * rows.size() * phase_extent(g, 1, 0);
    T* const planes = result_ + apart * phase_elements();
    for (std::size_t phase = 0; phase < apart; ++phase) {
        const std::size_t pixels = rows.size() * phase_extent(g, 1, phase);
        transpose_rows(result_ + phase * phase_elements() + sample * pixels * width, width, pixels, width,
                       planes + phase * plane, pixels);
    }
    for (std::size_t channel = 0; channel < width; ++channel)
        for (std::size_t row = 0; row < rows.size(); ++row) {
            T* const to = image + channel * g.image_pixels() +
                          ((rows.begin + row) * g.stride[0] + row_phase) * g.image[1];
            const auto from = [&](std::size_t phase) {
                return planes + phase * plane + (channel * rows.size() + row) * phase_extent(g, 1, phase);
            };
            if (apart == 1) {
                copy_run(from(0), g.image[1], to);
            } else if (apart == 2) {
                join_pairs(from(0), from(1), g.image[1] / 2, to);
                if (g.image[1] % 2 == 1) to[g.image[1] - 1] = from(0)[g.image[1] / 2];
            } else {
                for (std::size_t phase = 0; phase < apart; ++phase)
                    for (std::size_t x = 0; x < phase_extent(g, 1, phase); ++x)
                        to[x * apart + phase] = from(phase)[x];
            }
        }
}

/// Room for one column phase of a block.
template <class T>
std::size_t GatheredTile<T>::phase_elements() const {
    return plan_.samples * plan_.rows * phase_extent(geometry_, 1, 0) * channels_.size();
}

template <class T>
void GatheredTile<T>::weight(const T* image, const T* features, T* partials, T* weight) {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t width = g.feature_channels;
    T* const part = partials + part_ * g.weight_elements();
    for (std::size_t group = groups_.begin; group < groups_.end; ++group) {
        T* const sums = part + (group * g.terms() + channels_.begin * g.taps()) * width;
        bool begun = false;
        for_each_block(plan_, samples_, g.features[0], [&](const Range& samples, const Range& rows) {
            const std::size_t pixels = rows.size() * g.features[1];
            for (std::size_t i = 0; i < samples.size() && !arranged_; ++i)
                transpose_rows(
                    features + g.features_at(samples.begin + i, group, 0) + rows.begin * g.features[1],
                    g.feature_pixels(), width, pixels, operand_ + i * pixels * width, width);
            const Planes planes{image + g.image_at(samples.begin, group, channels_.begin), samples.size(),
                                g.image_at(1, 0, 0), channels_.size(), g.image};
            const Window window =
                window_of(planes, met_pixels(g, 0, rows), met_pixels(g, 1, {0, g.features[1]}));
            Terms terms;
            for (std::size_t sample = 0; sample < samples.size(); ++sample)
                for (std::size_t y = 0; y < rows.size(); ++y)
                    for (std::size_t x = 0; x < g.features[1]; ++x)
                        terms.add(sample * window.sample_stride + y * g.stride[0] * window.row_stride +
                                  x * g.stride[1]);
            Rows taps;
            T* to = sums;
            const auto multiply = [&] {
                for_each_piece({0, width}, panel_columns<T>, [&](const Range& columns) {
                    const Panel<T> panel =
                        arranged_
                            ? arranged_panel(features, g.batch * g.feature_pixels(), columns.begin,
                                             samples.begin * g.feature_pixels() + rows.begin * g.features[1],
                                             columns.size())
                            : pack_panel(operand_ + columns.begin, width, false, terms.count, columns.size(),
                                         packed_);
                    multiply_panel<T>({window.elements, taps.offsets, taps.count, terms.offsets, terms.count},
                                      panel, begun, to + columns.begin, width);
                });
                to += taps.count * width;
                taps.count = 0;
            };
            for (std::size_t channel = 0; channel < channels_.size(); ++channel)
                for (std::size_t y = 0; y < g.kernel[0]; ++y)
                    for (std::size_t x = 0; x < g.kernel[1]; ++x) {
                        taps.add(channel * window.channel_stride + y * g.dilation[0] * window.row_stride +
                                 x * g.dilation[1]);
                        if (taps.full()) multiply();
                    }
            if (taps.count > 0) multiply();
            begun = true;
        });
        if (plan_.sample_parts == 1)
            write_weight(g, channels_, part + group * g.terms() * width, weight + group * width * g.terms());
    }
}

template class GatheredTile<float>;
template class GatheredTile<double>;

}  // namespace duet
