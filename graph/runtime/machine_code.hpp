#pragma once

#include <cstddef>
#include <memory>

#include <duet/graph/vector_code.hpp>

namespace duet {

/// Machine code that runs vector codes over arrays, for the instruction set that the library is built for
/// (AVX2 or AVX-512). Immutable, and free to be run by many threads, once finished.
class MachineCode {
 public:
    /// Runs the code over `count` elements at `addresses` for each of `rows` rows, at least one, from one to
    /// the next of which each address moves on by its number of bytes in `steps`. An address written may be
    /// one that is read, or apart from all.
    using Function = void (*)(const void** addresses, std::size_t count, std::size_t rows,
                              const std::size_t* steps);

    /// Null if there is none: for another processor, without Xbyak, or where the system grants no memory for
    /// code.
    static std::shared_ptr<MachineCode> create();

    MachineCode(const MachineCode&) = delete;
    MachineCode& operator=(const MachineCode&) = delete;
    ~MachineCode();

    /// Translates a code for elements of type T; returns the function's number. Equal codes share one.
    template <class T>
    std::size_t add(const VectorCode& code);
    /// Makes the memory executable and no longer writable. Call once, after the last `add`.
    void finish();
    Function function(std::size_t number) const;

 private:
    struct State;
    explicit MachineCode(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace duet
