#include <doctest/doctest.h>

#include <random>

#include <duet/duet.hpp>
#include <duet/graph/runtime/bands.hpp>

using namespace duet;

namespace {

/// What one tile or piece of an instruction touches, byte by byte.
std::vector<ByteRange> touched_by(const Footprint& footprint, const Footprint::Access& access,
                                  std::size_t tile, std::size_t tiles) {
    if (!access.shared_out) return {access.ranges.front()};
    if (footprint.divisible == 0) return {access.ranges[tile]};
    const ByteRange all = access.ranges.front();
    const std::size_t size = (all.end - all.begin) / footprint.divisible;
    return {{all.begin + footprint.divisible * tile / tiles * size,
             all.begin + footprint.divisible * (tile + 1) / tiles * size}};
}

/// True if in some group a band touches what another band writes.
bool races(const std::vector<Footprint>& footprints, const BandGroup& group) {
    constexpr std::size_t bytes = 4096;
    constexpr std::size_t nobody = ~std::size_t{0}, several = nobody - 1;
    for (std::size_t memory = 0; memory < 2; ++memory) {
        std::vector<std::size_t> writer(bytes, nobody), reader(bytes, nobody);
        const auto mark = [&](std::vector<std::size_t>& by, std::size_t byte, std::size_t band) {
            by[byte] = by[byte] == nobody || by[byte] == band ? band : several;
        };
        for (std::size_t i = group.begin; i < group.end; ++i) {
            const Footprint& footprint = footprints[i];
            const std::size_t tiles =
                group.end - group.begin > 1 ? footprint.tiles_in(group.bands) : footprint.tiles;
            for (std::size_t band = 0; band < group.bands; ++band)
                for (std::size_t tile = first_tile(tiles, band, group.bands);
                     tile < first_tile(tiles, band + 1, group.bands); ++tile)
                    for (const Footprint::Access& access : footprint.accesses) {
                        if (access.memory != memory) continue;
                        for (const ByteRange& range : touched_by(footprint, access, tile, tiles))
                            for (std::size_t byte = range.begin; byte < range.end; ++byte)
                                mark(access.writes ? writer : reader, byte, band);
                    }
        }
        for (std::size_t byte = 0; byte < bytes; ++byte)
            if (writer[byte] != nobody &&
                (writer[byte] == several || (reader[byte] != nobody && reader[byte] != writer[byte])))
                return true;
    }
    return false;
}

/// Reads and writes of up to three blocks; no tile reads or writes what another one of it writes.
Footprint random_footprint(std::mt19937& random) {
    constexpr std::size_t length = 1024;
    const std::size_t tiles = std::size_t{1} << random() % 5;
    Footprint footprint{tiles, random() % 3 == 0 ? std::size_t{256} : 0, {}};
    const std::size_t first = random() % 6;
    for (std::size_t i = 0; i < 1 + random() % 3; ++i) {
        const std::size_t block = (first + i) % 6, begin = block / 2 * length;
        Footprint::Access access{block % 2, random() % 2 == 0, random() % 4 != 0, {}};
        access.shared_out = access.shared_out || access.writes;
        if (access.shared_out && footprint.divisible == 0)
            for (std::size_t tile = 0; tile < tiles; ++tile)
                access.ranges.push_back({begin + length * tile / tiles, begin + length * (tile + 1) / tiles});
        else
            access.ranges.push_back({begin, begin + length});
        footprint.accesses.push_back(access);
    }
    return footprint;
}

}  // namespace

TEST_CASE("no band touches what another band of its group writes") {
    std::size_t grouped = 0, apart = 0;
    for (unsigned seed = 0; seed < 400; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        std::vector<Footprint> footprints;
        for (int i = 0; i < 12; ++i) footprints.push_back(random_footprint(random));
        for (const std::size_t threads : {1, 2, 3, 8}) {
            CAPTURE(threads);
            std::size_t next = 0;
            for (const BandGroup& group : group_into_bands(footprints, threads)) {
                CHECK(group.begin == next);
                next = group.end;
                if (group.end - group.begin == 1) {
                    ++apart;
                    continue;
                }
                ++grouped;
                CHECK_FALSE(races(footprints, group));
                CHECK((group.bands == 1 || group.bands >= threads));
            }
            CHECK(next == footprints.size());
        }
    }
    CHECK(grouped > 100);
    CHECK(apart > 100);
}

TEST_CASE("rows flow through layers without a barrier; a gradient that sums over them waits once") {
    const auto barriers = [](bool gradient) {
        Graph graph;
        const Tensor x = graph.input("x", {128, 256});
        Tensor value = x;
        Tensor first;
        for (int layer = 0; layer < 3; ++layer) {
            const Tensor weight = graph.input("w" + std::to_string(layer), {256, 256});
            value = relu(matmul(value, weight) + 0.5);
            if (layer == 0) first = value;
        }
        std::vector<Tensor> fetches = {value};
        if (gradient) fetches = {matmul(first, value, true)};
        return compile<float>(graph, fetches, {}, Arena(2)).report().groups;
    };
    CHECK(barriers(false) == 1);
    CHECK(barriers(true) == 2);
}
