#pragma once

#include <map>
#include <string>
#include <vector>

#include "promises.hpp"

namespace duet {

/// The class of an op as its source names it.
std::string class_of(const Op& op);

/// Ops by what the compiler takes for equal when it merges nodes: class, attributes, shapes.
class MergeKeys {
 public:
    /// Notes an op and what it makes. If another op of the same key is known, both must make the same bits of
    /// the same inputs: otherwise an attribute that decides the result is missing in the key.
    void add(const AppliedOp<double>& applied, const std::vector<double>& made, PromiseReport& report);

    /// The fields of attributes that would not be missed, as "Class field" or, of a field with several parts,
    /// "Class field[0]": no two ops are known that differ in it alone, are given inputs of the same shapes
    /// and make different results; "Class field[0] by a little", none that differ in a real number's last
    /// digits. A field that the number of inputs tells is left out.
    std::vector<std::string> never_varied() const;

 private:
    struct Entry {
        AppliedOp<double> applied;
        std::vector<double> made;
    };
    /// Of a class, by the shapes of the inputs.
    using Entries = std::map<std::string, std::vector<Entry>>;
    std::map<std::string, Entries> classes_;
};

}  // namespace duet
