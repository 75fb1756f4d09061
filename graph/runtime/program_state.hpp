#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <xtensor/xarray.hpp>

#include <duet/graph/runtime/arena_state.hpp>
#include <duet/graph/runtime/instruction.hpp>
#include <duet/graph/runtime/program.hpp>

namespace duet {

/// A line of `describe()`.
struct NodeReport {
    /// Its place in the plan, by which `inputs` name it.
    std::size_t index;
    /// The node of the user's graph it stands for.
    NodeId id;
    std::string name;
    std::string op;
    std::string shape;
    std::vector<std::size_t> inputs;
    double flops;
    std::size_t bytes;
    /// "arena+4096", "input", "variable", "constant", "fused", or the variable it is computed into.
    std::string place;
    /// The instruction that computes it; none for leaves.
    std::optional<std::size_t> instruction;
    std::string where;
};

template <class T>
struct Program<T>::State {
    struct FeedSlot {
        NodeId id;
        std::string description;
        Shape shape;
        std::size_t slot;
        bool given;
    };
    struct VariableSlot {
        Variable variable;
        std::size_t slot;
        bool updated;
    };
    struct ArenaSlot {
        std::size_t slot;
        std::size_t offset;
    };
    /// Bands of a group that are done; `bands + 1` once it is finished, `bands + 2` if it failed.
    struct alignas(64) Progress {
        std::atomic<std::uint32_t> done = 0;
    };

    using Clock = std::chrono::steady_clock;
    struct Span {
        Clock::time_point start, end;
    };
    /// What a profile says of an instruction beside its times.
    struct InstructionCost {
        std::string name;
        double flops;
        double bytes;
        bool may_fail;
        /// What a rejected value is a matter of: the node that may fail and its inputs, each with its line.
        std::string origin;
    };

    explicit State(Arena shared) : arena(std::move(shared)) {}

    /// `given` are feeds or arguments.
    template <class Given>
    std::span<const ArrayOf<T>> run(std::span<const Given> given, std::optional<std::uint64_t> draw);
    template <class Given>
    void bind(std::span<const Given> given);
    void bind(const ArgumentOf<T>& given);
    void check_unwritten(const FeedSlot& feed, const ArrayOf<T>& value) const;
    std::string describe_unknown(const Tensor& fed) const;
    void execute(std::uint64_t draw);
    void work(std::size_t thread, std::uint64_t draw);
    /// Runs bands begin .. end-1 of a group.
    void run_bands(const BandGroup& group, std::size_t thread, std::size_t begin, std::size_t end,
                   std::uint64_t draw);
    void run_tiles(std::size_t instruction, const BandGroup& group, std::size_t thread, std::size_t begin,
                   std::size_t end, std::uint64_t draw);
    void finish(const BandGroup& group, std::uint64_t draw);
    void fill_with_nan();

    Arena arena;
    /// Of the graph; kept, so that no other graph is ever found there.
    std::shared_ptr<Graph*> place;
    /// The first random node, if there is one.
    std::string random;
    std::vector<T*> slots;
    std::vector<FeedSlot> feeds;
    std::vector<VariableSlot> variables;
    std::vector<std::vector<T>> constants;
    std::vector<ArenaSlot> arena_slots;
    std::vector<ArrayOf<T>> fetches;
    std::vector<std::unique_ptr<Instruction<T>>> instructions;
    std::vector<BandGroup> groups;
    std::vector<Progress> progress;
    std::vector<InstructionCost> costs;
    /// Empty unless runs are profiled; the spans of thread t begin at t times the number of instructions.
    std::vector<Span> spans;
    Clock::time_point start;
    bool poison = false;
    std::atomic<bool> failed = false;
    std::exception_ptr failure;
    ProgramReport report;
    std::vector<NodeReport> nodes;
};

/// The text of `Program::describe` and the picture of `Program::to_dot`.
std::string describe(const ProgramReport& report, const std::vector<NodeReport>& nodes);
std::string to_dot(const std::vector<NodeReport>& nodes);

}  // namespace duet
