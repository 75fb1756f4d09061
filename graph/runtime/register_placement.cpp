#include <duet/graph/runtime/register_placement.hpp>

#include <algorithm>

namespace duet {

RegisterPlacement::RegisterPlacement(const VectorCode& code, int registers, int most_hoisted)
    : lines_(code.lines()), places_(lines_.size()), holder_(static_cast<std::size_t>(registers), never) {
    find_uses(code.stored());
    for (std::uint32_t line = 0; line < lines_.size(); ++line)
        if (lines_[line].operation == VectorCode::Operation::broadcast && used(line) &&
            first_free_ < most_hoisted) {
            places_[line].location = first_free_++;
            hoisted_.push_back({Placed::Kind::line, line, places_[line].location, {}});
        }
    for (std::uint32_t line = 0; line < lines_.size(); ++line)
        if (used(line) && places_[line].location < 0) place(line);
    for (std::uint32_t i = 0; i < code.stored().size(); ++i) {
        const std::uint32_t line = code.stored()[i];
        body_.push_back({Placed::Kind::store, i, bring(line, {}), {}});
        pass_use(line);
    }
}

void RegisterPlacement::find_uses(const std::vector<std::uint32_t>& stored) {
    for (std::size_t i = stored.size(); i-- > 0;)
        places_[stored[i]].uses.push_back(static_cast<std::uint32_t>(lines_.size() + i));
    for (std::uint32_t line = static_cast<std::uint32_t>(lines_.size()); line-- > 0;)
        for (std::size_t i = 0; used(line) && i < lines_[line].count; ++i)
            places_[lines_[line].inputs[i]].uses.push_back(line);
    for (Whereabouts& each : places_) std::reverse(each.uses.begin(), each.uses.end());
}

void RegisterPlacement::place(std::uint32_t line) {
    Placed placed{Placed::Kind::line, line, 0, {}};
    std::vector<int> pinned;
    for (std::size_t i = 0; i < lines_[line].count; ++i) {
        placed.inputs[i] = bring(lines_[line].inputs[i], pinned);
        pinned.push_back(placed.inputs[i]);
    }
    for (std::size_t i = 0; i < lines_[line].count; ++i) pass_use(lines_[line].inputs[i]);
    placed.output = free_register({});
    hold(line, placed.output);
    body_.push_back(placed);
}

int RegisterPlacement::bring(std::uint32_t line, const std::vector<int>& pinned) {
    if (places_[line].location >= 0) return places_[line].location;
    const int chosen = free_register(pinned);
    body_.push_back({Placed::Kind::reload, places_[line].slot, chosen, {}});
    hold(line, chosen);
    return chosen;
}

void RegisterPlacement::hold(std::uint32_t line, int chosen) {
    places_[line].location = chosen;
    holder_[static_cast<std::size_t>(chosen)] = line;
}

void RegisterPlacement::pass_use(std::uint32_t line) {
    Whereabouts& place = places_[line];
    ++place.passed;
    if (place.next() == never && place.location >= first_free_)
        holder_[static_cast<std::size_t>(place.location)] = never;
}

int RegisterPlacement::free_register(const std::vector<int>& pinned) {
    int furthest = -1;
    std::uint32_t use = 0;
    for (int i = first_free_; i < static_cast<int>(holder_.size()); ++i) {
        const std::uint32_t line = holder_[static_cast<std::size_t>(i)];
        if (line == never) return i;
        if (places_[line].next() < use || std::find(pinned.begin(), pinned.end(), i) != pinned.end())
            continue;
        use = places_[line].next();
        furthest = i;
    }
    Whereabouts& evicted = places_[holder_[static_cast<std::size_t>(furthest)]];
    if (evicted.slot == never) {
        evicted.slot = slots_++;
        body_.push_back({Placed::Kind::spill, evicted.slot, furthest, {}});
    }
    evicted.location = -1;
    return furthest;
}

}  // namespace duet
