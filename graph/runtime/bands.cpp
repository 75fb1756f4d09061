#include <duet/graph/runtime/bands.hpp>

#include <algorithm>

namespace duet {

namespace {

constexpr std::size_t most_bands = 64;
constexpr std::size_t longest_group = 48;
constexpr std::size_t fewest_elements = 64;  // that are worth a tile of their own

/// What an access touches in a band; empty if no tile of the instruction falls into it.
ByteRange touched(const Footprint& footprint, const Footprint::Access& access, std::size_t band,
                  std::size_t bands) {
    const std::size_t tiles = footprint.tiles_in(bands);
    const std::size_t first = first_tile(tiles, band, bands), last = first_tile(tiles, band + 1, bands);
    if (first == last) return {0, 0};
    ByteRange all = access.ranges[access.shared_out && footprint.divisible == 0 ? first : 0];
    if (!access.shared_out) return all;
    if (footprint.divisible > 0) {
        const std::size_t size = (all.end - all.begin) / footprint.divisible;
        return {all.begin + first_tile(footprint.divisible, first, tiles) * size,
                all.begin + first_tile(footprint.divisible, last, tiles) * size};
    }
    for (std::size_t tile = first + 1; tile < last; ++tile) {
        all.begin = std::min(all.begin, access.ranges[tile].begin);
        all.end = std::max(all.end, access.ranges[tile].end);
    }
    return all;
}

bool overlap(const ByteRange& a, const ByteRange& b) {
    return a.begin < b.end && b.begin < a.end;
}

class Grouper {
 public:
    Grouper(const std::vector<Footprint>& footprints, std::size_t threads)
        : footprints_(footprints), threads_(threads), fewest_bands_(std::max<std::size_t>(threads, 2)) {}

    std::vector<BandGroup> group() {
        std::vector<BandGroup> groups;
        for (std::size_t i = 0; i < footprints_.size(); ++i) {
            if (!groups.empty() && i - groups.back().begin < longest_group) {
                if (const std::size_t bands = bands_with(groups.back(), i)) {
                    groups.back().end = i + 1;
                    groups.back().bands = bands;
                    continue;
                }
            }
            groups.push_back({i, i + 1, footprints_[i].tiles});
        }
        return groups;
    }

 private:
    /// Into how many bands the group can be cut together with instruction `added`; zero if it cannot.
    std::size_t bands_with(const BandGroup& group, std::size_t added) const {
        const std::size_t most = std::max(group.bands, footprints_[added].tiles);
        if (most == 1) return 1;
        std::size_t bands = std::min(most, most_bands);
        while (bands >= fewest_bands_) {
            if (shares_out(bands) && independent(group.begin, added, bands)) return bands;
            bands = bands / 2 / fewest_bands_ * fewest_bands_;
        }
        return 0;
    }

    /// True if each thread gets about as many bands as the others.
    bool shares_out(std::size_t bands) const { return bands % threads_ == 0 || bands >= 4 * threads_; }

    /// True if what any of the instructions writes in a band, no other one touches in another band.
    bool independent(std::size_t begin, std::size_t last, std::size_t bands) const {
        for (std::size_t j = begin + 1; j <= last; ++j)
            for (std::size_t i = begin; i < j; ++i)
                for (const Footprint::Access& a : footprints_[i].accesses)
                    for (const Footprint::Access& b : footprints_[j].accesses)
                        if (a.memory == b.memory && (a.writes || b.writes) &&
                            crosses(footprints_[i], a, footprints_[j], b, bands))
                            return false;
        return true;
    }

    static bool crosses(const Footprint& first, const Footprint::Access& a, const Footprint& second,
                        const Footprint::Access& b, std::size_t bands) {
        if (!overlap(touched(first, a, 0, 1), touched(second, b, 0, 1))) return false;
        // What the bands before and after this one touch of b, from the front and from the back.
        std::vector<ByteRange> before(bands), after(bands);
        ByteRange seen{0, 0};
        const auto add = [&](const ByteRange& more) {
            if (more.begin == more.end) return;
            seen = seen.begin == seen.end
                       ? more
                       : ByteRange{std::min(seen.begin, more.begin), std::max(seen.end, more.end)};
        };
        for (std::size_t band = 0; band < bands; ++band) {
            before[band] = seen;
            add(touched(second, b, band, bands));
        }
        seen = {0, 0};
        for (std::size_t band = bands; band-- > 0;) {
            after[band] = seen;
            add(touched(second, b, band, bands));
        }
        for (std::size_t band = 0; band < bands; ++band) {
            const ByteRange mine = touched(first, a, band, bands);
            if (mine.begin == mine.end) continue;
            if (overlap(mine, before[band]) || overlap(mine, after[band])) return true;
        }
        return false;
    }

    const std::vector<Footprint>& footprints_;
    const std::size_t threads_;
    const std::size_t fewest_bands_;
};

}  // namespace

std::size_t Footprint::tiles_in(std::size_t bands) const {
    return divisible > 0 ? std::clamp<std::size_t>(divisible / fewest_elements, 1, bands) : tiles;
}

std::vector<BandGroup> group_into_bands(const std::vector<Footprint>& footprints, std::size_t threads) {
    return Grouper(footprints, threads).group();
}

}  // namespace duet
