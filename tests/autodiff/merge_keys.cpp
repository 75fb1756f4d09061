#include "merge_keys.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <typeinfo>

#include <duet/graph/error.hpp>

#include "../same_bits.hpp"

namespace duet {

namespace {

/// An attribute and its numbers, or its word, one by one.
struct Field {
    std::string name;
    std::vector<std::string> parts;
    bool is_real;

    friend bool operator==(const Field&, const Field&) = default;
};

std::vector<Field> fields_of(const Op& op) {
    std::vector<Field> fields;
    for (const Attribute& each : op.attributes()) {
        Field field{each.name, {}, false};
        if (const auto* list = std::get_if<std::vector<std::int64_t>>(&each.value)) {
            for (const std::int64_t number : *list) field.parts.push_back(std::to_string(number));
        } else if (const auto* number = std::get_if<double>(&each.value)) {
            field.parts.push_back(fmt::format("{}", *number));
            field.is_real = true;
        } else {
            field.parts.push_back(to_string(Attributes{each}));
        }
        fields.push_back(std::move(field));
    }
    return fields;
}

/// The place of the one element that two lists of one length differ in.
template <class Element>
std::optional<std::size_t> only_difference(const std::vector<Element>& a, const std::vector<Element>& b) {
    std::optional<std::size_t> place;
    for (std::size_t i = 0; i < a.size() && a.size() == b.size(); ++i) {
        if (a[i] == b[i]) continue;
        if (place) return {};
        place = i;
    }
    return place;
}

bool close(const std::string& a, const std::string& b) {
    const double x = std::strtod(a.c_str(), nullptr), y = std::strtod(b.c_str(), nullptr);
    return std::abs(x - y) <= 1e-9 * std::abs(x);
}

std::string key_of(const std::vector<Shape>& shapes) {
    std::string key;
    for (const Shape& shape : shapes) key += to_string(shape) + " ";
    return key;
}

/// True if the op makes something else of inputs that another op was given.
bool differs(const AppliedOp<double>& op, const AppliedOp<double>& other, const std::vector<double>& made) {
    if (op.output != other.output) return true;
    AppliedOp<double> exchanged = other;
    exchanged.op = op.op;
    try {
        return !same(evaluate(exchanged), made);
    } catch (const Error&) {
        return true;
    }
}

/// What varies of a class's attributes, and what should.
class Variation {
 public:
    void need(const std::vector<Field>& fields, std::size_t inputs) {
        for (const Field& field : fields) {
            inputs_[field.name][fmt::format("{}", fmt::join(field.parts, " "))].insert(inputs);
            const auto [known, is_new] = parts_.try_emplace(field.name, field.parts.size());
            known->second = std::min(known->second, field.parts.size());
            for (std::size_t i = 0; i < field.parts.size(); ++i)
                if (field.is_real) real_.insert(part(field.name, i));
        }
    }

    void note(const std::vector<Field>& a, const std::vector<Field>& b) {
        const auto place = only_difference(a, b);
        if (!place || a[*place].name != b[*place].name) return;
        const Field &one = a[*place], &other = b[*place];
        if (one.parts.size() != other.parts.size()) return;
        varied_.insert(one.name);
        const auto at = only_difference(one.parts, other.parts);
        if (!at) return;
        varied_.insert(part(one.name, *at));
        if (close(one.parts[*at], other.parts[*at])) varied_.insert(by_a_little(part(one.name, *at)));
    }

    std::vector<std::string> missing() const {
        std::set<std::string> needed;
        for (const auto& [name, parts] : parts_) {
            if (inputs_tell(name)) continue;
            needed.insert(name);
            for (std::size_t i = 0; i < parts && parts > 1; ++i) needed.insert(part(name, i));
        }
        for (const std::string& each : real_) needed.insert(by_a_little(each));
        std::vector<std::string> missing;
        std::set_difference(needed.begin(), needed.end(), varied_.begin(), varied_.end(),
                            std::back_inserter(missing));
        return missing;
    }

 private:
    static std::string part(const std::string& field, std::size_t i) {
        return fmt::format("{}[{}]", field, i);
    }
    static std::string by_a_little(const std::string& part) { return part + " by a little"; }

    /// True if the number of inputs is another for each value of a field.
    bool inputs_tell(const std::string& field) const {
        std::set<std::size_t> met;
        const auto& values = inputs_.at(field);
        for (const auto& [value, counts] : values)
            for (const std::size_t count : counts)
                if (!met.insert(count).second) return false;
        return values.size() > 1;
    }

    /// The numbers of inputs by field and value.
    std::map<std::string, std::map<std::string, std::set<std::size_t>>> inputs_;
    /// The fewest parts that each field has.
    std::map<std::string, std::size_t> parts_;
    std::set<std::string> real_, varied_;
};

}  // namespace

std::string class_of(const Op& op) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(typeid(op).name(), nullptr, nullptr, &status), std::free);
    const std::string full = status == 0 ? name.get() : typeid(op).name();
    const std::size_t scope = full.rfind("::");
    return scope == std::string::npos ? full : full.substr(scope + 2);
}

void MergeKeys::add(const AppliedOp<double>& applied, const std::vector<double>& made,
                    PromiseReport& report) {
    if (!applied.op->pure()) return;
    const std::string attributes = merge_key(applied.op->attributes());
    std::vector<Entry>& entries = classes_[class_of(*applied.op)][key_of(applied.shapes)];
    for (const Entry& known : entries) {
        if (merge_key(known.applied.op->attributes()) != attributes || known.applied.output != applied.output)
            continue;
        if (known.applied.op != applied.op)
            report.expect(!differs(applied, known.applied, known.made), "attributes",
                          "another op of the attributes \"{}\" makes other bits of the same inputs",
                          attributes);
        return;
    }
    entries.push_back({applied, made});
}

std::vector<std::string> MergeKeys::never_varied() const {
    std::vector<std::string> all;
    for (const auto& [name, groups] : classes_) {
        Variation variation;
        for (const auto& [shapes, entries] : groups)
            for (std::size_t i = 0; i < entries.size(); ++i) {
                const std::vector<Field> fields = fields_of(*entries[i].applied.op);
                variation.need(fields, entries[i].applied.inputs.size());
                for (std::size_t j = 0; j < i; ++j)
                    if (differs(entries[i].applied, entries[j].applied, entries[j].made))
                        variation.note(fields, fields_of(*entries[j].applied.op));
            }
        for (const std::string& missing : variation.missing()) all.push_back(name + " " + missing);
    }
    return all;
}

}  // namespace duet
