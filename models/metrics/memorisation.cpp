#include <duet/models/metrics/memorisation.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/permutation.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/metrics/blocked_rows.hpp>
#include <duet/models/metrics/copying_score.hpp>

namespace duet::models {

namespace {

/// `count` of the rows, drawn without replacement; in their order, and all of them if there are no more.
std::vector<double> drawn_rows(const Rows& rows, std::size_t count, std::uint64_t seed) {
    std::vector<std::size_t> drawn(count);
    const Permutation permutation(rows.count, seed, 0);
    for (std::size_t i = 0; i < count; ++i) drawn[i] = permutation(i);
    std::sort(drawn.begin(), drawn.end());
    std::vector<double> values;
    values.reserve(count * rows.width);
    for (const std::size_t row : drawn) values.insert(values.end(), rows[row], rows[row] + rows.width);
    return values;
}

/// Of blocks' smallest values, that without block b; of all if b is none.
double least_without(const double* of_block, std::size_t b) {
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t other = 0; other < jackknife_blocks; ++other)
        if (other != b) least = std::min(least, of_block[other]);
    return least;
}

Jackknife share_nearer(const Rows& train, const Rows& held_out, const Rows& fake, std::uint64_t seed,
                       std::size_t threads) {
    const std::size_t count = std::min(train.count, held_out.count);
    const std::vector<double> train_values = drawn_rows(train, count, seed);
    const std::vector<double> held_out_values = drawn_rows(held_out, count, seed);
    const auto nearest = [&](const std::vector<double>& values) {
        return nearest_in_blocks(fake, BlockedRows({values.data(), count, fake.width}), 1, false, threads);
    };
    const std::vector<double> to_train = nearest(train_values), to_held_out = nearest(held_out_values);
    const std::vector<std::uint8_t> block = jackknife_block_of(fake.count);
    const auto share_without = [&](std::size_t b) {
        std::size_t halves = 0, counted = 0;
        for (std::size_t i = 0; i < fake.count; ++i) {
            if (block[i] == b) continue;
            const double a = least_without(to_train.data() + i * jackknife_blocks, b);
            const double c = least_without(to_held_out.data() + i * jackknife_blocks, b);
            halves += a < c ? 2 : a == c ? 1 : 0;
            ++counted;
        }
        return static_cast<double>(halves) / (2 * static_cast<double>(counted));
    };
    Jackknife share{share_without(jackknife_blocks), {}, false};
    for (std::size_t b = 0; b < jackknife_blocks; ++b) share.without[b] = share_without(b);
    return share;
}

/// Finds rows by their values.
class EqualRows {
 public:
    explicit EqualRows(const Rows& rows) : rows_(rows), order_(rows.count) {
        for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = i;
        std::stable_sort(order_.begin(), order_.end(),
                         [this](std::size_t a, std::size_t b) { return less(rows_[a], rows_[b]); });
    }

    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    /// The first row that is equal to that one.
    std::size_t find(const double* row) const {
        const auto found =
            std::lower_bound(order_.begin(), order_.end(), row,
                             [this](std::size_t i, const double* wanted) { return less(rows_[i], wanted); });
        return found == order_.end() || less(row, rows_[*found]) ? none : *found;
    }

 private:
    bool less(const double* a, const double* b) const {
        return std::lexicographical_compare(a, a + rows_.width, b, b + rows_.width);
    }

    Rows rows_;
    std::vector<std::size_t> order_;
};

/// The probability that at least `count` of m samples come before the `rank`-th of n others, all orders being
/// equally likely: the tail of C(j + r - 1, j) C(m - j + n - r, m - j) / C(m + n, m).
double chance_of_at_least(std::size_t count, std::size_t rank, std::size_t n, std::size_t m) {
    const auto number = [](std::size_t of) { return static_cast<double>(of); };
    double logarithm = 0, chance = 0;
    for (std::size_t i = 0; i < rank; ++i) logarithm += std::log(number(n - i) / number(n + m - i));
    for (std::size_t j = 0; j <= m; ++j) {
        if (j >= count) chance += std::exp(logarithm);
        if (j < m)
            logarithm += std::log(number(j + rank) * number(m - j)) -
                         std::log(number(j + 1) * number(m - j + n - rank));
    }
    return std::min(chance, 1.0);
}

void find_copies(const Rows& train, const Rows& held_out, const Rows& fake,
                 const std::vector<Nearest>& held_out_nearest, const std::vector<Nearest>& fake_nearest,
                 double near_share, Memorisation& into) {
    const EqualRows equal(train);
    into.held_out_copies = 0;
    for (std::size_t i = 0; i < held_out.count; ++i)
        into.held_out_copies += equal.find(held_out[i]) != EqualRows::none;

    std::vector<double> distances;
    distances.reserve(held_out.count);
    for (const Nearest& nearest : held_out_nearest) distances.push_back(nearest.distance);
    const auto n = static_cast<double>(held_out.count);
    const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(near_share * n)));
    std::nth_element(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(rank - 1),
                     distances.end());
    const double threshold = distances[rank - 1];
    into.near_distance = std::sqrt(threshold);
    into.near_expected = static_cast<double>(fake.count) * static_cast<double>(rank) / (n + 1);
    std::size_t below = 0;
    for (std::size_t i = 0; i < fake.count; ++i) {
        below += fake_nearest[i].distance < threshold;
        const std::size_t same = equal.find(fake[i]);
        if (same != EqualRows::none)
            into.exact.push_back({i, same, 0.0});
        else if (fake_nearest[i].distance < threshold)
            into.near.push_back({i, fake_nearest[i].row, std::sqrt(fake_nearest[i].distance)});
    }
    into.near_chance = chance_of_at_least(below, rank, held_out.count, fake.count);
}

}  // namespace

Memorisation memorisation(const Samples& train, const Samples& held_out, const Samples& fake,
                          const MemorisationOptions& options, std::size_t threads) {
    check_sides(train, held_out, fake);
    const Rows trained = rows_of(train), held = rows_of(held_out), faked = rows_of(fake);
    if (!(options.near_share >= 0 && options.near_share <= 1))
        throw Error(fmt::format("a near_share of {}: expected 0 to 1", options.near_share));

    const std::vector<Nearest> held_out_nearest = nearest_rows(held, trained, threads);
    const std::vector<Nearest> fake_nearest = nearest_rows(faked, trained, threads);
    Memorisation result{};
    const CellDistances distances =
        options.cells == 1 ? in_one_cell(trained.count, held_out_nearest, fake_nearest)
                           : in_cells(trained, held, faked, options.cells, options.seed, threads);
    result.copying = copying_score(distances, result.cells);
    result.nearer_to_train = share_nearer(trained, held, faked, options.seed, threads);
    result.compared = std::min(trained.count, held.count);
    find_copies(trained, held, faked, held_out_nearest, fake_nearest, options.near_share, result);
    return result;
}

}  // namespace duet::models
