#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace duet {

struct Setting;

/// How deep groups and lists stand in each other at most, in what is read or set.
inline constexpr std::size_t most_levels = 64;

/// A name of a catalogue and its parameters; without a kind, a group of settings. It is what experiments are
/// written in: a TOML table, whose `kind` stands apart.
struct Spec {
    std::string kind;
    std::vector<Setting> with;  ///< in the order they were given, each key once
    std::string from;           ///< what gave the kind, or the group: see Value::from

    /// The value at a path such as "optimizers.generator.rate" or "penalties.0.weight", or null. A path that
    /// ends in "kind" has none.
    const struct Value* find(std::string_view path) const;
    bool has(std::string_view path) const { return find(path) != nullptr; }

    /// Of parameters that are there, as a checked spec's are; our own bug otherwise.
    double number(std::string_view path) const;
    std::size_t whole(std::string_view path) const;
    bool flag(std::string_view path) const;
    const std::string& text(std::string_view path) const;
    std::vector<std::size_t> wholes(std::string_view path) const;
    const Spec& spec(std::string_view path) const;
    std::vector<Spec> specs(std::string_view path) const;

    /// Sets one value, making the groups on its way; "kind" at the end sets a kind. Throws Error where the
    /// way leads through a value, past the end of a list, or deeper than most_levels, and for a kind that is
    /// empty.
    void set(std::string_view path, struct Value value);

    /// Takes a value out of its group, where there is one; one of a list stays.
    void erase(std::string_view path);

    /// The same kind and values, whatever gave them and in whatever order.
    friend bool operator==(const Spec& a, const Spec& b);
};

/// What a parameter is: true or false, a whole number, a number, a text, a list, or a spec.
struct Value {
    std::variant<bool, std::int64_t, double, std::string, std::vector<Value>, Spec> is;
    /// What gave it, for messages and for who reads a recipe: "preset mlp", "run.toml:12", "--rate".
    std::string from = {};

    friend bool operator==(const Value& a, const Value& b) { return a.is == b.is; }
};

struct Setting {
    std::string key;
    Value value;
};

/// A list of whole numbers, or of specs, as a value.
Value list_of_numbers(const std::vector<std::size_t>& numbers);
Value list_of_specs(const std::vector<Spec>& specs);

/// `over` laid over `under`: groups are merged key by key, and specs of one kind; all else replaces what was
/// there, lists whole.
Spec merged(const Spec& under, const Spec& over);

/// The path of the first value, or kind, that is not the same in both, whatever gave it; nothing if all are.
std::optional<std::string> first_difference(const Spec& a, const Spec& b);

/// The spec with this as what gave all of it.
Spec with_origin(Spec spec, const std::string& from);

/// "a whole number", "a list", and so on: what a value is, for messages.
std::string_view type_name(const Value& value);

/// Of `names`, what was most likely meant by `name`: one that differs by few letters; empty if none does.
std::string nearest(std::string_view name, const std::vector<std::string>& names);

}  // namespace duet
