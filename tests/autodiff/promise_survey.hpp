#pragma once

#include <set>
#include <string>
#include <vector>

#include "case_nodes.hpp"
#include "merge_keys.hpp"
#include "op_cases.hpp"
#include "promises.hpp"

namespace duet {

/// An op that was checked.
struct SurveyedOp {
    std::string op_class, attributes;
    std::vector<Shape> inputs;
    Shape output;
    std::size_t tiles;
    bool is_elementwise;
    /// If it is a rewrite: by which promise, and of which class.
    std::string rewrite, stands_for;
};

/// Checks every promise of every op that rows build, in float and in double.
class PromiseSurvey {
 public:
    struct Extent {
        /// Of the gradients.
        int order = 2;
        /// Whether values are tried that an op may refuse.
        bool failures = true;
    };
    /// Checks the nodes of the row's value and of its gradients, and what the compiler's passes may put in
    /// their place.
    void check(const OpCase& row, const Extent& extent);

    const PromiseReport& report() const { return report_; }
    const std::vector<SurveyedOp>& ops() const { return ops_; }
    const MergeKeys& merge_keys() const { return merge_keys_; }

 private:
    template <class T>
    void check_values(const std::vector<CaseNode>& nodes, const OpCase& row, const Extent& extent);
    template <class T>
    void check_failures(const std::vector<CaseNode>& nodes, const CaseValues<T>& good, const OpCase& row);
    void note(const std::vector<CaseNode>& nodes, std::size_t node, const std::vector<Shape>& shapes);

    PromiseReport report_;
    std::vector<SurveyedOp> ops_;
    MergeKeys merge_keys_;
    std::set<std::string> blocks_checked_;
};

}  // namespace duet
