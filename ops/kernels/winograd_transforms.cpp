#include <duet/ops/kernels/winograd_transforms.hpp>

#include <type_traits>

#include <duet/ops/kernels/vector_registers.hpp>

namespace duet {

namespace {

/// Some vector registers of values along an axis.
template <class T, std::size_t count>
struct Line {
    Register<T> at[count];
};

template <std::size_t points, std::size_t coefficients>
struct Evaluate {
    static constexpr std::size_t inputs = coefficients, outputs = points;
    static constexpr bool adds = false;

    template <class T>
    static Line<T, points> apply(const Line<T, coefficients>& line) {
        const auto& c = line.at;
        if constexpr (points == 3)
            return {{c[0], c[0] + c[1], c[1]}};
        else if constexpr (coefficients == 2)
            return {{c[0], c[0] + c[1], c[0] - c[1], c[1]}};
        else
            return {{c[0], c[0] + c[2] + c[1], c[0] + c[2] - c[1], c[2]}};
    }
};

template <std::size_t points, std::size_t coefficients>
struct Collect {
    static constexpr std::size_t inputs = points, outputs = coefficients;
    static constexpr bool adds = false;

    template <class T>
    static Line<T, coefficients> apply(const Line<T, points>& line) {
        const auto& x = line.at;
        if constexpr (points == 3)
            return {{x[0] + x[1], x[1] + x[2]}};
        else if constexpr (coefficients == 2)
            return {{x[0] + x[1] + x[2], x[1] - x[2] + x[3]}};
        else
            return {{x[0] + x[1] + x[2], x[1] - x[2], x[1] + x[2] + x[3]}};
    }
};

template <std::size_t points>
struct Spread {
    static constexpr std::size_t inputs = points, outputs = points;
    static constexpr bool adds = false;

    template <class T>
    static Line<T, points> apply(const Line<T, points>& line) {
        const auto& d = line.at;
        if constexpr (points == 3)
            return {{d[0] - d[1], d[1], d[2] - d[1]}};
        else
            return {{d[0] - d[2], (d[1] + d[2]) * T(0.5), (d[2] - d[1]) * T(0.5), d[3] - d[1]}};
    }
};

template <std::size_t points>
struct Join {
    static constexpr std::size_t inputs = points, outputs = points;
    static constexpr bool adds = true;

    template <class T>
    static Line<T, points> apply(const Line<T, points>& line) {
        const auto& x = line.at;
        if constexpr (points == 3)
            return {{x[0], x[1] - x[0] - x[2], x[2]}};
        else
            return {{x[0], (x[1] - x[2]) * T(0.5) - x[3], (x[1] + x[2]) * T(0.5) - x[0], x[3]}};
    }
};

/// One transform down the columns of a rectangle, then another along its rows.
template <class Down, class Along, class T>
void transform(const Rectangle<const T>& from, const Rectangle<T>& to, std::size_t channels) {
    for (std::size_t channel = 0; channel < channels; channel += lanes<T>) {
        Line<T, Along::inputs> rows[Down::outputs];
        DUET_UNROLL
        for (std::size_t x = 0; x < Along::inputs; ++x) {
            Line<T, Down::inputs> column;
            DUET_UNROLL
            for (std::size_t y = 0; y < Down::inputs; ++y) column.at[y] = load(from[y][x] + channel);
            const Line<T, Down::outputs> values = Down::apply(column);
            DUET_UNROLL
            for (std::size_t y = 0; y < Down::outputs; ++y) rows[y].at[x] = values.at[y];
        }
        DUET_UNROLL
        for (std::size_t y = 0; y < Down::outputs; ++y) {
            const Line<T, Along::outputs> values = Along::apply(rows[y]);
            DUET_UNROLL
            for (std::size_t x = 0; x < Along::outputs; ++x) {
                T* const target = to[y][x] + channel;
                store<T>(Along::adds ? load(target) + values.at[x] : values.at[x], target);
            }
        }
    }
}

template <std::size_t value>
using Size = std::integral_constant<std::size_t, value>;

template <class Visit>
void with_points(std::size_t points, const Visit& visit) {
    if (points == 3)
        visit(Size<3>());
    else
        visit(Size<4>());
}

template <class Visit>
void with_sizes(std::size_t points, std::size_t coefficients, const Visit& visit) {
    if (points == 3)
        visit(Size<3>(), Size<2>());
    else if (coefficients == 2)
        visit(Size<4>(), Size<2>());
    else
        visit(Size<4>(), Size<3>());
}

}  // namespace

template <class T>
void evaluate(const Extents& points, const Extents& coefficients, const Rectangle<const T>& from,
              const Rectangle<T>& to, std::size_t channels) {
    with_sizes(points[0], coefficients[0], [&](auto rows, auto height) {
        with_sizes(points[1], coefficients[1], [&](auto columns, auto width) {
            transform<Evaluate<rows, height>, Evaluate<columns, width>>(from, to, channels);
        });
    });
}

template <class T>
void collect(const Extents& points, const Extents& coefficients, const Rectangle<const T>& from,
             const Rectangle<T>& to, std::size_t channels) {
    with_sizes(points[0], coefficients[0], [&](auto rows, auto height) {
        with_sizes(points[1], coefficients[1], [&](auto columns, auto width) {
            transform<Collect<rows, height>, Collect<columns, width>>(from, to, channels);
        });
    });
}

template <class T>
void spread(const Extents& points, const Rectangle<const T>& from, const Rectangle<T>& to,
            std::size_t channels) {
    with_points(points[0], [&](auto rows) {
        with_points(points[1],
                    [&](auto columns) { transform<Spread<rows>, Spread<columns>>(from, to, channels); });
    });
}

template <class T>
void join(const Extents& points, const Rectangle<const T>& from, const Rectangle<T>& to,
          std::size_t channels) {
    with_points(points[0], [&](auto rows) {
        with_points(points[1],
                    [&](auto columns) { transform<Join<rows>, Join<columns>>(from, to, channels); });
    });
}

#define DUET_INSTANTIATE(T)                                                                                \
    template void evaluate(const Extents&, const Extents&, const Rectangle<const T>&, const Rectangle<T>&, \
                           std::size_t);                                                                   \
    template void collect(const Extents&, const Extents&, const Rectangle<const T>&, const Rectangle<T>&,  \
                          std::size_t);                                                                    \
    template void spread(const Extents&, const Rectangle<const T>&, const Rectangle<T>&, std::size_t);     \
    template void join(const Extents&, const Rectangle<const T>&, const Rectangle<T>&, std::size_t);
DUET_INSTANTIATE(float)
DUET_INSTANTIATE(double)
#undef DUET_INSTANTIATE

}  // namespace duet
