#pragma once

#include <cstddef>
#include <vector>

namespace duet {

/// Bytes begin .. end-1 of some memory.
struct ByteRange {
    std::size_t begin;
    std::size_t end;
};

/// What an instruction touches, tile by tile. Memory that it completes only after its last tile is not shared
/// out.
struct Footprint {
    struct Access {
        /// Memories of different numbers are apart.
        std::size_t memory;
        bool writes;
        /// True if each tile touches a range of its own, false if each may touch the first range.
        bool shared_out;
        /// One range, or one a tile. If the instruction is divisible and the range shared out: one range, of
        /// which each piece touches its share.
        std::vector<ByteRange> ranges;
    };

    std::size_t tiles;
    /// The number of elements if they can be cut into any number of tiles, otherwise zero.
    std::size_t divisible;
    std::vector<Access> accesses;

    /// The tiles that the instruction has in a group of so many bands.
    std::size_t tiles_in(std::size_t bands) const;
};

/// Consecutive instructions that run without waiting for each other: a thread takes whole bands, and in a
/// band the tiles of one instruction after the other, while what they work on is in cache. Nothing that a
/// band writes is touched by another band of the group.
struct BandGroup {
    std::size_t begin;
    std::size_t end;
    std::size_t bands;
};

/// The first of an instruction's tiles that belongs to a band; tiles are dealt out in proportion.
inline std::size_t first_tile(std::size_t tiles, std::size_t band, std::size_t bands) {
    return tiles * band / bands;
}

/// Cuts a list of instructions into groups, each as long as the footprints allow while every one of the
/// threads has its share of bands. Results do not depend on it, since the tiles stay what they are.
std::vector<BandGroup> group_into_bands(const std::vector<Footprint>& footprints, std::size_t threads);

}  // namespace duet
