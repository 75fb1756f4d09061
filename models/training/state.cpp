#include <duet/models/training/state.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/graph/finite.hpp>

namespace duet::models {

namespace {

std::uint64_t count_in(const std::map<std::string, std::string>& metadata, const char* key) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) throw Error(fmt::format("a state without its \"{}\"", key));
    const std::string& text = found->second;
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size())
        throw Error(
            fmt::format("a state whose \"{}\" is {}; expected a count", key, quoted_for_message(text)));
    return count;
}

}  // namespace

void write_position(const Position& at, std::map<std::string, std::string>& metadata) {
    metadata["step"] = std::to_string(at.step);
    metadata["next_draw"] = std::to_string(at.draw);
    metadata["next_batch"] = std::to_string(at.batch);
}

Position position_in(const std::map<std::string, std::string>& metadata) {
    return {count_in(metadata, "step"), count_in(metadata, "next_draw"), count_in(metadata, "next_batch")};
}

void State::keep(const std::vector<Variable>& variables) {
    for (const Variable& variable : variables) {
        const auto known = std::find_if(variables_.begin(), variables_.end(), [&](const Variable& other) {
            return other.name() == variable.name();
        });
        if (known == variables_.end())
            variables_.push_back(variable);
        else if (!(*known == variable))
            throw Error(
                fmt::format("two variables of the training are called {}; a state keeps each by its name",
                            variable.name()));
    }
}

std::uint64_t State::bytes() const {
    std::uint64_t bytes = 0;
    for (const Variable& variable : variables_) bytes += sizeof(float) * variable.shape().elements();
    return bytes;
}

void State::check_finite() const {
    if (const auto broken = find_not_finite(variables_))
        throw NonFiniteError("variable " + *broken + "; a gradient of the step before was not finite");
}

Safetensors State::save() const {
    Safetensors saved;
    write_position(at, saved.metadata);
    for (const Variable& variable : variables_) saved.tensors.push_back({variable.name(), variable.value()});
    return saved;
}

std::vector<ArrayView> State::views() const {
    std::vector<ArrayView> views;
    views.reserve(variables_.size());
    for (const Variable& variable : variables_) views.push_back({variable.name(), &variable.value()});
    return views;
}

void State::restore(const Safetensors& saved) {
    const Position saved_at = position_in(saved.metadata);
    for (const Variable& variable : variables_) {
        const Array* value = saved.find(variable.name());
        if (value == nullptr) throw Error(fmt::format("a state without variable {}", variable.name()));
        if (shape_of(*value) != variable.shape())
            throw ShapeError(fmt::format("a state with {} of shape {}; the training's has {}",
                                         variable.name(), to_string(shape_of(*value)),
                                         to_string(variable.shape())));
        if (!std::all_of(value->data(), value->data() + value->size(),
                         [](float each) { return std::isfinite(each); }))
            throw Error(fmt::format("a state whose {} is not finite", variable.name()));
    }
    for (const NamedArray& tensor : saved.tensors)
        if (std::none_of(variables_.begin(), variables_.end(),
                         [&](const Variable& variable) { return variable.name() == tensor.name; }))
            throw Error(
                fmt::format("a state with {}, which the training has not", quoted_for_message(tensor.name)));
    for (const Variable& variable : variables_) variable.assign(*saved.find(variable.name()));
    at = saved_at;
    ++restored_;
}

Snapshot::Snapshot(State& state) : state_(state), at_(state.at) {
    for (const Variable& variable : state_.variables()) values_.push_back(variable.value());
}

void Snapshot::take() {
    state_.check_finite();
    if (held_) return;
    for (std::size_t i = 0; i < values_.size(); ++i)
        std::copy_n(state_.variables()[i].data(), values_[i].size(), values_[i].data());
    at_ = state_.at;
}

void Snapshot::put_back() const {
    for (std::size_t i = 0; i < values_.size(); ++i) state_.variables()[i].assign(values_[i]);
    state_.at = at_;
}

std::vector<ArrayView> Snapshot::arrays() const {
    std::vector<ArrayView> views;
    views.reserve(values_.size());
    for (std::size_t i = 0; i < values_.size(); ++i)
        views.push_back({state_.variables()[i].name(), &values_[i]});
    return views;
}

}  // namespace duet::models
