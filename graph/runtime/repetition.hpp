#pragma once

#include <cstddef>
#include <vector>

#include <duet/graph/shape.hpp>

namespace duet {

/// How an operand of smaller shape repeats along a flat index: the collapsed axes of the result, outermost
/// first.
class Repetition {
 public:
    /// Throws nothing: the shapes must already broadcast.
    Repetition(const Shape& source, const Shape& result);

    /// The number of elements after which the pattern repeats, or zero if it does not.
    std::size_t period() const { return period_; }
    /// Elements of a run, within which the source is read one after another or, if `uniform`, not moved.
    std::size_t run() const { return axes_.back().extent; }
    bool uniform() const { return axes_.back().stride == 0; }
    /// How many elements from `index` on are in its run.
    std::size_t left_in_run(std::size_t index) const { return run() - index % run(); }
    /// True if every `length` elements the source moves on by as much, or not at all, all the way.
    bool steady(std::size_t length) const {
        return axes_.size() == 1 || (axes_.size() == 2 && length % run() == 0);
    }
    /// How far the source moves on with `length` elements, where that is steady.
    std::size_t step(std::size_t length) const {
        return axes_.front().stride * (axes_.size() == 1 ? length : length / run());
    }
    /// The element of the source that element `index` reads.
    std::size_t source(std::size_t index) const;
    /// Writes elements begin .. begin+count-1 of the repeated source.
    template <class T>
    void expand(const T* source, std::size_t begin, std::size_t count, T* output) const;

 private:
    struct Axis {
        std::size_t extent;
        std::size_t stride;
    };
    std::vector<Axis> axes_;
    std::size_t period_ = 0;
};

}  // namespace duet
