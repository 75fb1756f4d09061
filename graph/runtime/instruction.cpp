#include <duet/graph/runtime/instruction.hpp>

#include <algorithm>
#include <cassert>
#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/finite.hpp>
#include <duet/graph/runtime/arena_state.hpp>

namespace duet {

namespace {

constexpr std::size_t usual_tile = 1 << 12;

template <class T>
ByteRange bytes_of(const Location& location, std::size_t begin, std::size_t elements) {
    return {location.byte + begin * sizeof(T), location.byte + (begin + elements) * sizeof(T)};
}

/// An access to `elements` elements of which each tile touches the region given for it; to all of them by
/// each tile if there is none, or one that is not contiguous.
template <class T, class RegionOfTile>
Footprint::Access access_by_tile(const Location& location, bool writes, std::size_t elements,
                                 std::size_t tiles, const RegionOfTile& region_of) {
    Footprint::Access access{location.memory, writes, true, {}};
    for (std::size_t tile = 0; tile < tiles; ++tile) {
        const std::optional<Region> region = region_of(tile);
        if (!region || !contiguous(*region))
            return {location.memory, writes, false, {bytes_of<T>(location, 0, elements)}};
        access.ranges.push_back(bytes_of<T>(location, region->begin, region->rows * region->length));
    }
    return access;
}

/// Says that each tile may touch all of it.
void share_among_tiles(Footprint::Access& access) {
    ByteRange all = access.ranges.front();
    for (const ByteRange& range : access.ranges)
        all = {std::min(all.begin, range.begin), std::max(all.end, range.end)};
    access.shared_out = false;
    access.ranges = {all};
}

/// Where element 0 of a tensor would be whose element `index` is at `address`: a number, not a place to read.
template <class T>
T* first_element(T* address, std::size_t index) {
    return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(address) - index * sizeof(T));
}

}  // namespace

template <class T>
KernelInstruction<T>::KernelInstruction(std::shared_ptr<const Op> op, std::vector<Shape> input_shapes,
                                        Shape shape, KernelSlots slots)
    : op_(std::move(op)),
      input_shapes_(std::move(input_shapes)),
      shape_(std::move(shape)),
      slots_(std::move(slots)),
      inputs_(slots_.inputs.size()) {
    this->tiles_ = op_->tiles({input_shapes_, shape_});
}

template <class T>
void KernelInstruction<T>::bind(T* const* slots) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i] = slots[slots_.inputs[i]];
    output_ = slots[slots_.output];
    workspace_ = slots[slots_.workspace];
}

template <class T>
Kernel<T> KernelInstruction<T>::kernel(std::size_t tile, std::uint64_t draw, std::byte* scratch) const {
    return {input_shapes_, shape_, inputs_, output_, workspace_, reinterpret_cast<T*>(scratch), tile, draw};
}

template <class T>
std::size_t KernelInstruction<T>::scratch_bytes() const {
    return op_->scratch({input_shapes_, shape_}) * sizeof(T);
}

template <class T>
void KernelInstruction<T>::run(std::size_t tile, std::uint64_t draw, std::byte* scratch) {
    run_tile(*op_, kernel(tile, draw, scratch), tile);
}

template <class T>
void KernelInstruction<T>::run_on(const T* region, std::size_t region_stride, std::size_t tile,
                                  std::uint64_t draw) const {
    Kernel<T> part = kernel(tile, draw, nullptr);
    part.region = region;
    part.region_stride = region_stride;
    op_->run(part);
}

template <class T>
void KernelInstruction<T>::finish(std::uint64_t draw) {
    op_->finish(kernel(0, draw, nullptr));
}

template <class T>
Region KernelInstruction<T>::region(std::size_t tile) const {
    return op_->region({input_shapes_, shape_}, tile);
}

template <class T>
Footprint KernelInstruction<T>::footprint(const Locations& locations) const {
    const Signature signature{input_shapes_, shape_};
    const std::size_t tiles = this->tiles_;
    Footprint footprint{tiles, 0, {}};
    for (std::size_t i = 0; i < slots_.inputs.size(); ++i)
        footprint.accesses.push_back(
            access_by_tile<T>(locations[slots_.inputs[i]], false, input_shapes_[i].elements(), tiles,
                              [&](std::size_t tile) { return op_->region_read(signature, i, tile); }));
    footprint.accesses.push_back(
        access_by_tile<T>(locations[slots_.output], true, shape_.elements(), tiles, [&](std::size_t tile) {
            return op_->accepts_epilogue() ? std::optional(op_->region(signature, tile)) : std::nullopt;
        }));
    if (const std::size_t workspace = op_->workspace(signature); workspace > 0) {
        const Location& location = locations[slots_.workspace];
        footprint.accesses.push_back({location.memory, true, false, {bytes_of<T>(location, 0, workspace)}});
    }
    return footprint;
}

template <class T>
ElementwiseInstruction<T>::ElementwiseInstruction(ElementwiseProgram<T> program,
                                                  std::unique_ptr<KernelInstruction<T>> head, Tails<T> tails,
                                                  std::vector<Operand> operands,
                                                  std::vector<std::size_t> result_slots, std::size_t elements)
    : program_(std::move(program)),
      head_(std::move(head)),
      tails_(std::move(tails)),
      operand_list_(std::move(operands)),
      result_slots_(std::move(result_slots)),
      operands_(operand_list_.size()),
      results_(result_slots_.size()),
      elements_(elements) {
    const std::size_t granularity = program_.granularity();
    pieces_ = {elements_, std::max<std::size_t>(usual_tile / granularity, 1) * granularity};
    this->tiles_ = head_ ? head_->tiles() : pieces_->count();
    if (!tails_.kernels.empty()) cut_by_tails();
}

template <class T>
void ElementwiseInstruction<T>::cut_by_tails() {
    if (!head_) this->tiles_ = tails_.regions.size();
    for (std::size_t tile = 0; tile < this->tiles_; ++tile) {
        first_of_tile_.push_back(regions_by_tile_.size());
        const Region made = tile_region(tile);
        for (std::size_t region = 0; region < tails_.regions.size(); ++region)
            if (nests(tails_.regions[region], made)) regions_by_tile_.push_back(region);
    }
    first_of_tile_.push_back(regions_by_tile_.size());
    assert(regions_by_tile_.size() == tails_.regions.size());
    for (const Region& region : tails_.regions)
        largest_region_ = std::max(largest_region_, region.rows * region.length);
}

template <class T>
std::size_t ElementwiseInstruction<T>::scratch_bytes() const {
    const std::size_t head = head_ ? head_->scratch_bytes() : 0;
    const std::size_t program = aligned_to_buffer(program_.scratch_bytes());
    if (!tails_.transient) return std::max(head, program);
    return std::max(head,
                    program + aligned_to_buffer(results_.size() * sizeof(T*)) + largest_region_ * sizeof(T));
}

template <class T>
void ElementwiseInstruction<T>::bind(T* const* slots) {
    if (head_) head_->bind(slots);
    for (const auto& tail : tails_.kernels) tail->bind(slots);
    for (std::size_t i = 0; i < operands_.size(); ++i) operands_[i] = slots[operand_list_[i].slot];
    for (std::size_t i = 0; i < results_.size(); ++i) results_[i] = slots[result_slots_[i]];
}

template <class T>
void ElementwiseInstruction<T>::run(std::size_t tile, std::uint64_t draw, std::byte* scratch) {
    if (head_) head_->run(tile, draw, scratch);
    if (!tails_.kernels.empty()) {
        for (std::size_t i = first_of_tile_[tile]; i < first_of_tile_[tile + 1]; ++i)
            run_region(regions_by_tile_[i], draw, scratch);
        return;
    }
    program_.run(operands_.data(), results_.data(), tile_region(tile), scratch);
}

template <class T>
Region ElementwiseInstruction<T>::tile_region(std::size_t tile) const {
    if (head_) return head_->region(tile);
    if (!tails_.kernels.empty()) return tails_.regions[tile];
    const Range range = pieces_ ? (*pieces_)[tile]
                                : Range{first_tile(elements_, tile, this->tiles_),
                                        first_tile(elements_, tile + 1, this->tiles_)};
    return {range.begin, 1, range.size(), range.size()};
}

template <class T>
void ElementwiseInstruction<T>::cut(std::size_t tiles) {
    this->tiles_ = tiles;
    pieces_.reset();
}

template <class T>
Footprint ElementwiseInstruction<T>::footprint(const Locations& locations) const {
    Footprint footprint{this->tiles_, 0, {}};
    if (head_)
        footprint = head_->footprint(locations);
    else if (tails_.kernels.empty())
        footprint.divisible = elements_;
    for (const auto& tail : tails_.kernels) {
        Footprint reduction = tail->footprint(locations);
        for (Footprint::Access& access : reduction.accesses) {
            if (!access.writes) continue;
            if (reduction.tiles != footprint.tiles) share_among_tiles(access);
            footprint.accesses.push_back(std::move(access));
        }
    }
    const auto add = [&](std::size_t slot, bool writes) {
        if (footprint.divisible > 0)
            footprint.accesses.push_back(
                {locations[slot].memory, writes, true, {bytes_of<T>(locations[slot], 0, elements_)}});
        else
            footprint.accesses.push_back(
                access_by_tile<T>(locations[slot], writes, elements_, this->tiles_,
                                  [&](std::size_t tile) { return std::optional(tile_region(tile)); }));
    };
    for (const Operand& operand : operand_list_) {
        if (operand.repeated == 0)
            add(operand.slot, false);
        else
            footprint.accesses.push_back({locations[operand.slot].memory,
                                          false,
                                          false,
                                          {bytes_of<T>(locations[operand.slot], 0, operand.repeated)}});
    }
    for (std::size_t i = 0; i < result_slots_.size(); ++i)
        if (!tails_.transient || i != tails_.result) add(result_slots_[i], true);
    return footprint;
}

template <class T>
void ElementwiseInstruction<T>::run_region(std::size_t index, std::uint64_t draw, std::byte* scratch) const {
    const Region& region = tails_.regions[index];
    if (!tails_.transient) {
        program_.run(operands_.data(), results_.data(), region, scratch);
        for (const auto& tail : tails_.kernels)
            tail->run_on(results_[tails_.result] + region.begin, region.stride, index, draw);
        return;
    }
    std::byte* const after_program = scratch + aligned_to_buffer(program_.scratch_bytes());
    T** const results = reinterpret_cast<T**>(after_program);
    T* const values = reinterpret_cast<T*>(after_program + aligned_to_buffer(results_.size() * sizeof(T*)));
    std::copy(results_.begin(), results_.end(), results);
    for (std::size_t row = 0; row < region.rows; ++row) {
        const std::size_t begin = region.begin + row * region.stride;
        results[tails_.result] = first_element(values + row * region.length, begin);
        program_.run(operands_.data(), results, {begin, 1, region.length, region.length}, scratch);
    }
    for (const auto& tail : tails_.kernels) tail->run_on(values, region.length, index, draw);
}

template <class T>
void ElementwiseInstruction<T>::finish(std::uint64_t draw) {
    for (const auto& tail : tails_.kernels) tail->finish(draw);
}

template <class T>
void CopyInstruction<T>::bind(T* const* slots) {
    source_ = slots[from_];
    target_ = slots[to_];
}

template <class T>
CopyInstruction<T>::CopyInstruction(std::size_t from, std::size_t to, std::size_t elements)
    : from_(from), to_(to), elements_(elements) {
    this->tiles_ = std::max<std::size_t>(elements / usual_tile, 1);
}

template <class T>
Footprint CopyInstruction<T>::footprint(const Locations& locations) const {
    return {this->tiles_,
            elements_,
            {{locations[from_].memory, false, true, {bytes_of<T>(locations[from_], 0, elements_)}},
             {locations[to_].memory, true, true, {bytes_of<T>(locations[to_], 0, elements_)}}}};
}

template <class T>
void CopyInstruction<T>::run(std::size_t tile, std::uint64_t, std::byte*) {
    const std::size_t begin = first_tile(elements_, tile, this->tiles_);
    std::copy_n(source_ + begin, first_tile(elements_, tile + 1, this->tiles_) - begin, target_ + begin);
}

template <class T>
Footprint CheckInstruction<T>::footprint(const Locations& locations) const {
    Footprint footprint{1, 0, {}};
    for (const WatchedValue& value : values_)
        footprint.accesses.push_back({locations[value.slot].memory,
                                      false,
                                      false,
                                      {bytes_of<T>(locations[value.slot], 0, value.elements)}});
    return footprint;
}

template <class T>
void CheckInstruction<T>::run(std::size_t, std::uint64_t, std::byte*) {
    for (const WatchedValue& value : values_) {
        if (all_finite(slots_[value.slot], value.elements)) continue;
        std::string message = fmt::format("{} is not finite: {}", value.description,
                                          range_of(slots_[value.slot], value.elements));
        for (const WatchedValue& operand : operands_)
            message += fmt::format("\n  computed from {}: {}", operand.description,
                                   range_of(slots_[operand.slot], operand.elements));
        throw NonFiniteError(message + likely_cause());
    }
}

template <class T>
std::string CheckInstruction<T>::likely_cause() const {
    if (leaves_.empty()) return {};
    constexpr std::size_t most_named = 3;
    const auto named = [&](const WatchedValue& leaf) {
        return fmt::format("\n  {}: {}", leaf.description, range_of(slots_[leaf.slot], leaf.elements));
    };
    std::string text;
    std::size_t broken = 0;
    for (const WatchedValue& leaf : leaves_)
        if (!all_finite(slots_[leaf.slot], leaf.elements) && broken++ < most_named) text += named(leaf);
    if (broken > most_named) text += fmt::format("\n  and {} more", broken - most_named);
    const WatchedValue* largest = nullptr;
    T most = -1;
    for (const WatchedValue& leaf : leaves_) {
        if (broken > 0 || !leaf.is_variable) continue;
        for (std::size_t i = 0; i < leaf.elements; ++i)
            if (const T size = std::abs(slots_[leaf.slot][i]); size > most) {
                most = size;
                largest = &leaf;
            }
    }
    if (largest)
        text = named(*largest) + ", the largest variable; all that the value is computed from is finite";
    return text +
           "\n  a smaller learning rate, a penalty on the discriminator or inputs that are scaled and clean "
           "usually help; CompileOptions::scan finds the first node";
}

template class KernelInstruction<float>;
template class KernelInstruction<double>;
template class ElementwiseInstruction<float>;
template class ElementwiseInstruction<double>;
template class CopyInstruction<float>;
template class CopyInstruction<double>;
template class CheckInstruction<float>;
template class CheckInstruction<double>;

}  // namespace duet
