#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <duet/graph/op.hpp>

namespace duet {

/// An op applied to values.
template <class T>
struct AppliedOp {
    std::shared_ptr<const Op> op;
    std::vector<Shape> shapes;
    Shape output;
    std::vector<std::vector<T>> inputs;
};

/// What the op makes of its inputs: all tiles in order, then what it does to finish.
template <class T>
std::vector<T> evaluate(const AppliedOp<T>& applied);

/// The promise is called by the member of Op that makes it. Beside these every kernel promises to write each
/// element of its output ("output"), nothing beside its buffers ("bounds"), and none of its inputs
/// ("inputs").
struct BrokenPromise {
    std::string promise, how;
};

struct PromiseReport {
    /// How often each promise was checked.
    std::map<std::string, std::size_t, std::less<>> checked;
    std::vector<BrokenPromise> broken;

    template <class... Parts>
    void expect(bool kept, const char* promise, fmt::format_string<Parts...> how, Parts&&... parts) {
        const auto known = checked.find(promise);
        ++(known == checked.end() ? checked[promise] : known->second);
        if (!kept) broken.push_back({promise, fmt::format(how, std::forward<Parts>(parts)...)});
    }
    /// Adds the report of a part, `of` whom its promises are.
    void add(const PromiseReport& part, const std::string& of);
};

/// Checks what an op promises of its kernel, at the values it is applied to: that of two runs, of tiles in
/// any order and of buffers that held anything before, each makes the same bits; that tiles touch only what
/// they say; that it may write over the inputs it names.
template <class T>
PromiseReport check_kernel(const AppliedOp<T>& applied);

/// Checks what an elementwise op of so many inputs promises of its blocks, at numbers of every kind: an
/// element depends on no place and no neighbour; a scalar counts as repeated; machine code makes the same
/// bits.
template <class T>
PromiseReport check_blocks(const std::shared_ptr<const Op>& op, std::size_t arity);

}  // namespace duet
