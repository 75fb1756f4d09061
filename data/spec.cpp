#include <duet/data/spec.hpp>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdlib>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>

namespace duet {

namespace {

/// Cuts the first part off a path.
std::string_view first_of(std::string_view& path) {
    const std::size_t dot = path.find('.');
    const std::string_view first = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    return first;
}

std::optional<std::size_t> as_place(std::string_view part) {
    std::size_t place = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), place);
    if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
    return place;
}

const Value* setting_of(const Spec& spec, std::string_view key) {
    for (const Setting& setting : spec.with)
        if (setting.key == key) return &setting.value;
    return nullptr;
}

template <class T>
const T& as(const Spec& spec, std::string_view path) {
    const Value* value = spec.find(path);
    assert(value != nullptr && std::holds_alternative<T>(value->is));
    return std::get<T>(value->is);
}

Value* place_in(Value& value, std::string_view path, std::string_view part) {
    auto* const list = std::get_if<std::vector<Value>>(&value.is);
    const auto place = as_place(part);
    if (list == nullptr || !place)
        throw Error(fmt::format("{}: {} leads into {}", name_for_message(path), quoted_for_message(part),
                                type_name(value)));
    if (*place >= list->size())
        throw Error(
            fmt::format("{}: has no effect: the list has no entry {}; {}", name_for_message(path), *place,
                        list->empty() ? "it is empty" : fmt::format("its last is {}", list->size() - 1)));
    return &(*list)[*place];
}

}  // namespace

const Value* Spec::find(std::string_view path) const {
    const Value* value = setting_of(*this, first_of(path));
    while (value != nullptr && !path.empty()) {
        const std::string_view part = first_of(path);
        if (const Spec* inner = std::get_if<Spec>(&value->is)) {
            value = setting_of(*inner, part);
        } else if (const auto* list = std::get_if<std::vector<Value>>(&value->is)) {
            const auto place = as_place(part);
            value = place && *place < list->size() ? &(*list)[*place] : nullptr;
        } else {
            value = nullptr;
        }
    }
    return value;
}

double Spec::number(std::string_view path) const {
    const Value* value = find(path);
    assert(value != nullptr);
    if (const auto* whole = std::get_if<std::int64_t>(&value->is)) return static_cast<double>(*whole);
    return std::get<double>(value->is);
}

std::size_t Spec::whole(std::string_view path) const {
    return static_cast<std::size_t>(as<std::int64_t>(*this, path));
}

bool Spec::flag(std::string_view path) const {
    return as<bool>(*this, path);
}

const std::string& Spec::text(std::string_view path) const {
    return as<std::string>(*this, path);
}

std::vector<std::size_t> Spec::wholes(std::string_view path) const {
    std::vector<std::size_t> numbers;
    for (const Value& value : as<std::vector<Value>>(*this, path))
        numbers.push_back(static_cast<std::size_t>(std::get<std::int64_t>(value.is)));
    return numbers;
}

const Spec& Spec::spec(std::string_view path) const {
    return as<Spec>(*this, path);
}

std::vector<Spec> Spec::specs(std::string_view path) const {
    std::vector<Spec> all;
    for (const Value& value : as<std::vector<Value>>(*this, path)) all.push_back(std::get<Spec>(value.is));
    return all;
}

void Spec::set(std::string_view path, Value value) {
    const std::string_view whole = path;
    if (std::count(path.begin(), path.end(), '.') >= static_cast<std::ptrdiff_t>(most_levels))
        throw Error(fmt::format("a path leads more than {} groups deep", most_levels));
    Spec* spec = this;
    for (;;) {
        const std::string_view key = first_of(path);
        if (key.empty())
            throw Error(fmt::format("{} is no path such as loss.kind", quoted_for_message(whole)));
        if (path.empty() && key == "kind") {
            if (!std::holds_alternative<std::string>(value.is))
                throw Error(
                    fmt::format("{}: is {}; expected a name", name_for_message(whole), type_name(value)));
            if (std::get<std::string>(value.is).empty())
                throw Error(fmt::format("{}: is empty; expected a name", name_for_message(whole)));
            spec->kind = std::get<std::string>(value.is);
            spec->from = value.from;
            return;
        }
        auto known = std::find_if(spec->with.begin(), spec->with.end(),
                                  [&](const Setting& setting) { return setting.key == key; });
        if (path.empty()) {
            if (known == spec->with.end())
                spec->with.push_back({std::string(key), std::move(value)});
            else
                known->value = std::move(value);
            return;
        }
        if (known == spec->with.end()) {
            spec->with.push_back({std::string(key), {Spec{{}, {}, value.from}, value.from}});
            known = spec->with.end() - 1;
        }
        Value* inner = &known->value;
        while (!std::holds_alternative<Spec>(inner->is)) {
            inner = place_in(*inner, whole, first_of(path));
            if (!path.empty()) continue;
            *inner = std::move(value);
            return;
        }
        spec = &std::get<Spec>(inner->is);
    }
}

bool operator==(const Spec& a, const Spec& b) {
    return a.kind == b.kind && a.with.size() == b.with.size() &&
           std::all_of(a.with.begin(), a.with.end(), [&](const Setting& setting) {
               const Value* other = setting_of(b, setting.key);
               return other != nullptr && *other == setting.value;
           });
}

Value list_of_numbers(const std::vector<std::size_t>& numbers) {
    std::vector<Value> list;
    list.reserve(numbers.size());
    for (const std::size_t number : numbers) list.push_back({static_cast<std::int64_t>(number)});
    return {list};
}

Value list_of_specs(const std::vector<Spec>& specs) {
    std::vector<Value> list;
    list.reserve(specs.size());
    for (const Spec& spec : specs) list.push_back({spec});
    return {list};
}

void Spec::erase(std::string_view path) {
    const std::size_t dot = path.rfind('.');
    Spec* group = this;
    if (dot != std::string_view::npos) {
        const Value* value = find(path.substr(0, dot));
        group = value == nullptr ? nullptr : const_cast<Spec*>(std::get_if<Spec>(&value->is));
        if (group == nullptr) return;
        path.remove_prefix(dot + 1);
    }
    std::erase_if(group->with, [&](const Setting& setting) { return setting.key == path; });
}

std::optional<std::string> first_difference(const Spec& a, const Spec& b) {
    if (a.kind != b.kind) return "kind";
    const auto difference = [](const std::string& key, const Value* in_a, const Value* in_b) {
        if (in_a == nullptr || in_b == nullptr) return std::optional(key);
        const Spec* inner_a = std::get_if<Spec>(&in_a->is);
        const Spec* inner_b = std::get_if<Spec>(&in_b->is);
        if (inner_a == nullptr || inner_b == nullptr)
            return *in_a == *in_b ? std::optional<std::string>() : std::optional(key);
        const auto inner = first_difference(*inner_a, *inner_b);
        return inner ? std::optional(key + "." + *inner) : std::optional<std::string>();
    };
    for (const Setting& setting : a.with)
        if (auto found = difference(setting.key, &setting.value, b.find(setting.key))) return found;
    for (const Setting& setting : b.with)
        if (!a.has(setting.key)) return setting.key;
    return std::nullopt;
}

Spec merged(const Spec& under, const Spec& over) {
    if (!over.kind.empty() && over.kind != under.kind && !under.kind.empty()) return over;
    Spec result = under;
    if (!over.kind.empty()) {
        result.kind = over.kind;
        result.from = over.from;
    }
    for (const Setting& setting : over.with) {
        const auto below = std::find_if(result.with.begin(), result.with.end(),
                                        [&](const Setting& lower) { return lower.key == setting.key; });
        if (below == result.with.end()) {
            result.with.push_back(setting);
            continue;
        }
        const Spec* inner = std::get_if<Spec>(&setting.value.is);
        const bool both = inner != nullptr && std::holds_alternative<Spec>(below->value.is);
        below->value =
            both ? Value{merged(std::get<Spec>(below->value.is), *inner), setting.value.from} : setting.value;
    }
    return result;
}

Spec with_origin(Spec spec, const std::string& from) {
    const auto rename = [&](const auto& self, Value& value) -> void {
        value.from = from;
        if (auto* list = std::get_if<std::vector<Value>>(&value.is))
            for (Value& each : *list) self(self, each);
        if (Spec* inner = std::get_if<Spec>(&value.is)) *inner = with_origin(std::move(*inner), from);
    };
    spec.from = from;
    for (Setting& setting : spec.with) rename(rename, setting.value);
    return spec;
}

std::string_view type_name(const Value& value) {
    constexpr std::string_view names[] = {"true or false", "a whole number", "a number",
                                          "a text",        "a list",         "a table"};
    return names[value.is.index()];
}

std::string nearest(std::string_view name, const std::vector<std::string>& names) {
    const auto letter = [](char c) {
        return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    std::string best;
    std::size_t least = std::max<std::size_t>(name.size() / 3, 1) + 1;
    for (const std::string& known : names) {
        if (name.size() >= known.size() + least || known.size() >= name.size() + least) continue;
        // Optimal string alignment: letters put in, left out, replaced, or two neighbours swapped.
        std::vector<std::vector<std::size_t>> distance(name.size() + 1,
                                                       std::vector<std::size_t>(known.size() + 1));
        for (std::size_t i = 0; i <= name.size(); ++i)
            for (std::size_t j = 0; j <= known.size(); ++j) {
                std::size_t& here = distance[i][j];
                if (i == 0 || j == 0) {
                    here = i + j;
                    continue;
                }
                const bool same = letter(name[i - 1]) == letter(known[j - 1]);
                here = std::min({distance[i - 1][j] + 1, distance[i][j - 1] + 1,
                                 distance[i - 1][j - 1] + (same ? 0 : 1)});
                if (i > 1 && j > 1 && letter(name[i - 1]) == letter(known[j - 2]) &&
                    letter(name[i - 2]) == letter(known[j - 1]))
                    here = std::min(here, distance[i - 2][j - 2] + 1);
            }
        if (distance[name.size()][known.size()] < least) {
            least = distance[name.size()][known.size()];
            best = known;
        }
    }
    return best;
}

}  // namespace duet
