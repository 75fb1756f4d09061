#include <duet/models/catalogue.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/file.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/rows.hpp>

namespace duet::models {

namespace {

double as_number(const Value& value) {
    if (const auto* whole = std::get_if<std::int64_t>(&value.is)) return static_cast<double>(*whole);
    if (const auto* number = std::get_if<double>(&value.is)) return *number;
    return std::numeric_limits<double>::quiet_NaN();
}

/// "run.toml:12: optimizers.generator.rate"
std::string place(const std::string& from, const std::string& at) {
    return from.empty() ? at : fmt::format("{}: {}", from, at);
}

std::string joined_path(const std::string& at, const std::string& key) {
    return at.empty() ? key : at + "." + key;
}

/// A key as it stands in a path; quoted where it would be one.
std::string shown_key(const std::string& key) {
    return key.find('.') == std::string::npos ? name_for_message(key) : quoted_for_message(key);
}

Value default_of(const Parameter& parameter) {
    return with_origin(Spec{{}, {{parameter.key, *parameter.otherwise}}, {}}, "default").with.front().value;
}

std::string hint(std::string_view name, const std::vector<std::string>& names, const char* empty) {
    if (names.empty() || names == std::vector<std::string>{""}) return empty;
    const std::string meant = nearest(name, names);
    return meant.empty() ? fmt::format("known are {}", fmt::join(names, ", "))
                         : fmt::format("did you mean \"{}\"?", meant);
}

/// What variables and nodes hold of a number: neither infinite nor NaN.
bool fits(double number) {
    return std::isfinite(static_cast<float>(number));
}

}  // namespace

Rule whole_number(std::int64_t low, std::int64_t high) {
    return {fmt::format("a whole number from {} to {}", low, high), [=](const Value& value) {
                const auto* whole = std::get_if<std::int64_t>(&value.is);
                return whole != nullptr && *whole >= low && *whole <= high;
            }};
}

Rule number_from(double low, double below) {
    return {std::isfinite(below) ? fmt::format("a number of at least {} and below {}", low, below)
                                 : fmt::format("a finite number of at least {}", low),
            [=](const Value& value) {
                const double number = as_number(value);
                return fits(number) && number >= low && number < below;
            }};
}

Rule number_above(double low) {
    return {fmt::format("a finite number above {}", low), [=](const Value& value) {
                const double number = as_number(value);
                return fits(number) && static_cast<double>(static_cast<float>(number)) > low;
            }};
}

Rule share() {
    return {"a number from 0 to 1",
            [](const Value& value) { return as_number(value) >= 0 && as_number(value) <= 1; }};
}

Rule share_above_zero() {
    return {"a number above 0 and at most 1", [above = number_above(0).accepts](const Value& value) {
                return above(value) && as_number(value) <= 1;
            }};
}

Rule any_number() {
    return {"a finite number", [](const Value& value) { return fits(as_number(value)); }};
}

Rule true_or_false() {
    return {"true or false", [](const Value& value) { return std::holds_alternative<bool>(value.is); }};
}

Rule text_value() {
    return {"a text, not empty, without the character 0", [](const Value& value) {
                const auto* text = std::get_if<std::string>(&value.is);
                return text != nullptr && !text->empty() && text->find('\0') == std::string::npos;
            }};
}

Rule one_of(std::vector<std::string> names) {
    return {fmt::format("one of {}", fmt::join(names, ", ")), [names](const Value& value) {
                const auto* text = std::get_if<std::string>(&value.is);
                return text != nullptr && std::find(names.begin(), names.end(), *text) != names.end();
            }};
}

Rule whole_numbers(std::size_t least, std::size_t most, std::int64_t largest) {
    return {fmt::format("{} to {} whole numbers from 1 to {}, such as [100, 128, 784]", least, most, largest),
            [=, one = whole_number(1, largest)](const Value& value) {
                const auto* list = std::get_if<std::vector<Value>>(&value.is);
                return list != nullptr && list->size() >= least && list->size() <= most &&
                       std::all_of(list->begin(), list->end(), one.accepts);
            }};
}

Rule spec_of(const std::string& category) {
    return {fmt::format("a table whose kind is of `duet list {}`", category),
            [](const Value& value) { return std::holds_alternative<Spec>(value.is); }, category};
}

Rule specs_of(const std::string& category) {
    constexpr std::size_t most = 1000;
    return {fmt::format("a list of tables whose kinds are of `duet list {}`, at most {}", category, most),
            [](const Value& value) {
                const auto* list = std::get_if<std::vector<Value>>(&value.is);
                return list != nullptr && list->size() <= most &&
                       std::all_of(list->begin(), list->end(),
                                   [](const Value& each) { return std::holds_alternative<Spec>(each.is); });
            },
            category};
}

void Catalogue::add(Row row) {
    for (const Row& known : rows_)
        if (known.category == row.category && known.kind == row.kind)
            throw Error(fmt::format("the catalogue has a {} \"{}\" already", row.category, row.kind));
    rows_.push_back(std::move(row));
}

const Row& Catalogue::row(std::string_view category, std::string_view kind) const {
    for (const Row& row : rows_)
        if (row.category == category && row.kind == kind) return row;
    throw Error(fmt::format("{} {} is unknown; {}", category, quoted_for_message(kind),
                            hint(kind, kinds(category), "there are none")));
}

std::vector<std::string> Catalogue::kinds(std::string_view category) const {
    std::vector<std::string> kinds;
    for (const Row& row : rows_)
        if (row.category == category) kinds.push_back(row.kind);
    return kinds;
}

/// The parameter that a path ends at, or passes last; null if it begins nowhere.
const Parameter* Catalogue::parameter_at(std::string_view path) const {
    std::string category = "recipe";
    const Parameter* parameter = nullptr;
    while (!path.empty()) {
        const std::size_t dot = path.find('.');
        const std::string_view part = path.substr(0, dot);
        path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
        for (const Row& row : rows_)
            for (const Parameter& known : row.parameters)
                if (row.category == category && known.key == part) parameter = &known;
        if (parameter != nullptr) category = parameter->rule.category;
    }
    return parameter;
}

std::string Catalogue::help_at(std::string_view path) const {
    const Parameter* parameter = parameter_at(path);
    if (parameter == nullptr) return "";
    const std::vector<std::string> names = kinds_at(path);
    return names.empty() ? parameter->help : fmt::format("{}: {}", parameter->help, fmt::join(names, ", "));
}

std::vector<std::string> Catalogue::kinds_at(std::string_view path) const {
    const Parameter* parameter = parameter_at(path);
    if (parameter == nullptr || parameter->rule.category.empty()) return {};
    std::vector<std::string> names = kinds(parameter->rule.category);
    if (names.size() < 2) names.clear();
    return names;
}

Spec Catalogue::completed(const Spec& spec, const std::string& category, const std::string& at,
                          bool missing) const {
    if (spec.kind.empty() && kinds(category) != std::vector<std::string>{""})
        throw Error(fmt::format("{}: has no kind; known are {}", place(spec.from, at),
                                fmt::join(kinds(category), ", ")));
    const Row* row = nullptr;
    try {
        row = &this->row(category, spec.kind);
    } catch (const Error& error) {
        throw Error(fmt::format("{}: {}", place(spec.from, joined_path(at, "kind")), error.what()));
    }
    std::vector<std::string> keys;
    for (const Parameter& parameter : row->parameters) keys.push_back(parameter.key);
    for (const Setting& setting : spec.with) {
        if (std::find(keys.begin(), keys.end(), setting.key) != keys.end()) continue;
        const std::string owner =
            spec.kind.empty() ? std::string() : fmt::format(" of the {} \"{}\"", category, spec.kind);
        std::vector<std::string> others;
        for (const Row& other : rows_)
            if (other.category == category)
                for (const Parameter& parameter : other.parameters)
                    if (parameter.key == setting.key) others.push_back(other.kind);
        throw Error(fmt::format(
            "{}: no parameter{}; {}", place(setting.value.from, joined_path(at, shown_key(setting.key))),
            owner,
            others.empty() ? hint(setting.key, keys, "it has none")
                           : fmt::format("it would have an effect with {}", fmt::join(others, " or "))));
    }
    Spec result{spec.kind, {}, spec.from};
    for (const Parameter& parameter : row->parameters) {
        const Value* given = spec.find(parameter.key);
        const std::string path = joined_path(at, parameter.key);
        if (given != nullptr)
            result.with.push_back({parameter.key, completed_value(*given, parameter, path, missing)});
        else if (parameter.otherwise)
            result.with.push_back(
                {parameter.key, completed_value(default_of(parameter), parameter, path, missing)});
        else if (!missing && !parameter.optional)
            throw Error(
                fmt::format("{}: is missing; expected {}", place(spec.from, path), parameter.rule.expected));
    }
    return result;
}

void Catalogue::check_value(const Value& value, const Parameter& parameter, const std::string& at) const {
    if (parameter.rule.accepts(value)) return;
    throw Error(fmt::format("{}: {} is not {}", place(value.from, at), value_for_message(value),
                            parameter.rule.expected));
}

Value Catalogue::completed_value(const Value& value, const Parameter& parameter, const std::string& at,
                                 bool missing) const {
    check_value(value, parameter, at);
    Value result = value;
    if (parameter.rule.category.empty()) return result;
    if (Spec* spec = std::get_if<Spec>(&result.is)) {
        *spec = completed(*spec, parameter.rule.category, at, missing);
        return result;
    }
    auto& list = std::get<std::vector<Value>>(result.is);
    for (std::size_t i = 0; i < list.size(); ++i)
        list[i].is = completed(std::get<Spec>(list[i].is), parameter.rule.category,
                               fmt::format("{}.{}", at, i), missing);
    return result;
}

Catalogue standard_catalogue() {
    Catalogue catalogue;
    add_layer_rows(catalogue);
    add_network_rows(catalogue);
    add_loss_rows(catalogue);
    add_penalty_rows(catalogue);
    add_optimizer_rows(catalogue);
    add_constraint_rows(catalogue);
    add_rate_rows(catalogue);
    add_recipe_rows(catalogue);
    add_metric_rows(catalogue);
    add_schedule_rows(catalogue);
    add_study_rows(catalogue);
    add_transform_rows(catalogue);
    return catalogue;
}

}  // namespace duet::models
