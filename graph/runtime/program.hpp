#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <duet/graph/array.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/runtime/arena.hpp>
#include <duet/graph/update.hpp>

namespace duet {

/// The value of one input in one call of `run`, held by reference and read in place: it may be a temporary,
/// which lives until the call ends.
template <class T>
struct ArgumentOf {
    ArgumentOf(Tensor fed, const ArrayOf<T>& with) : input(fed), value(with) {}

    Tensor input;
    const ArrayOf<T>& value;
};

/// The same to keep, for many runs: not to be made of a temporary.
template <class T>
struct FeedOf : ArgumentOf<T> {
    FeedOf(Tensor fed, const ArrayOf<T>& with) : ArgumentOf<T>(fed, with) {}
    FeedOf(Tensor fed, const ArrayOf<T>&& with) = delete;
};
using Feed = FeedOf<float>;

struct CompileOptions {
    /// Values that must be finite before any update is written; a run that finds one that is not throws
    /// NonFiniteError and leaves every variable as it was.
    std::vector<Tensor> finite = {};
    /// Demands the same of every loss that GradientTape::gradient differentiated with regard to variables,
    /// where updates of this program are made of its gradients.
    bool check_losses = true;
    /// Looks at every node's value as soon as it is computed; the first that is not finite ends the run with
    /// a NonFiniteError that names it, its line, and the ranges of what it was computed from. Implies no
    /// fusion.
    bool scan = false;
    /// Fills the arena, scratch memory and fetches with NaN before each run, for debugging: a value that is
    /// read before it is computed then shows. The results are the same bits.
    bool poison = false;
    /// False runs each node by itself and to its end before the next, for debugging: the results are the same
    /// bits.
    bool fuse = true;
    /// False runs fused elementwise ops by their block kernels alone, as where no machine code can be had:
    /// the results are the same bits.
    bool machine_code = true;
    /// False leaves out the rewrites that change how results are rounded: folded constants, folded
    /// transposes, accumulating products.
    bool rewrite = true;
    /// Also plans a program after each pass, for PassReport.
    bool report_passes = false;
};

/// What one pass of the compiler left.
struct PassReport {
    std::string pass;
    std::size_t nodes;
    double milliseconds;
    /// What a program made after this pass would have, if CompileOptions::report_passes asked for it, else
    /// zero.
    std::size_t instructions;
    std::size_t arena_bytes;
};

/// What a program is made of.
struct ProgramReport {
    /// "creation", "updates first" or "depth first".
    std::string order;
    std::size_t instructions;
    /// Groups of instructions that threads run without waiting for each other.
    std::size_t groups;
    double flops;
    /// Bytes of intermediate values that the program needs in its arena.
    std::size_t arena_bytes;
    /// The lowest peak of live bytes over the orders tried, fused and unfused: no plan of those needs less.
    std::size_t bound_bytes;
    /// Of what is computed, of what and in which order: ops with their attributes and shapes, names of inputs
    /// and variables, values of constants. Equal for equal graphs on any machine and any number of threads.
    /// (Compilers differ in which argument of a call they evaluate, and so declare, first.)
    std::uint64_t fingerprint;
    std::vector<PassReport> passes;
};

/// When a thread worked on an instruction in the last run, and what the instruction was expected to cost.
struct InstructionTime {
    /// The ops of the instruction and the name of what they make, such as "matmul add relu".
    std::string name;
    /// Its place in the program.
    std::size_t instruction;
    std::size_t thread;
    /// Microseconds since the run began.
    double start, duration;
    /// Of the whole instruction, all its threads together; `bytes` are those it reads and writes in memory.
    double flops, bytes;
};

/// A compiled graph: a flat list of instructions over buffers with fixed places. It keeps the variables it
/// uses alive and refers to nothing else: graph, layers and optimizers may go, and the graph's tensors still
/// name the inputs.
template <class T>
class Program {
 public:
    struct State;
    explicit Program(std::unique_ptr<State> state);
    Program(Program&&) noexcept;
    Program& operator=(Program&&) noexcept;
    ~Program();

    /// Runs once. `draw` is the number that random nodes draw with: the same number, the same draws.
    /// Allocates nothing. Returns the fetches, in the order they were given; they are valid until the next
    /// run.
    ///
    /// Throws FeedError, before anything is computed, for a feed that is missing, unknown, given twice, of
    /// another shape, or lies in memory that the run writes: a fetch of this program, or a variable it
    /// updates. Throws Error for a program with random nodes that is given no draw number, and if another
    /// program is running on the same arena; NonFiniteError as CompileOptions say; whatever an op throws that
    /// rejects a value. After an exception no variable has changed.
    std::span<const ArrayOf<T>> run(std::span<const FeedOf<T>> feeds,
                                    std::optional<std::uint64_t> draw = {}) &;
    std::span<const ArrayOf<T>> run(std::initializer_list<ArgumentOf<T>> feeds,
                                    std::optional<std::uint64_t> draw = {}) &;
    std::span<const ArrayOf<T>> run(std::span<const FeedOf<T>>,
                                    std::optional<std::uint64_t> = {}) && = delete;
    std::span<const ArrayOf<T>> run(std::initializer_list<ArgumentOf<T>>,
                                    std::optional<std::uint64_t> = {}) && = delete;

    /// What the last run left in a fetch.
    const ArrayOf<T>& operator[](std::size_t fetch) const&;
    const ArrayOf<T>& operator[](std::size_t fetch) && = delete;

    /// The variable's value in this program's type. Throws Error for a variable that the program does not
    /// use.
    const ArrayOf<T>& value(const Variable& variable) const;

    /// Whether runs note when each instruction ran. It changes no result.
    void set_profiled(bool profiled);
    /// The times of the last run if it was profiled, thread by thread in the order of execution.
    std::vector<InstructionTime> times() const;

    const ProgramReport& report() const;
    /// One line a node in order of execution (id, name, op, shape, FLOPs, bytes, place), then totals and the
    /// arena's size beside its bound.
    std::string describe() const;
    /// The same as a picture in Graphviz's DOT language.
    std::string to_dot() const;

 private:
    std::unique_ptr<State> state_;
};

extern template class Program<float>;
extern template class Program<double>;

/// Compiles what `fetches` and `updates` need of a graph. In a run every read of a variable sees its value at
/// the start; updates are written after the last such read. What the graph's programs owe beside these
/// updates (see Graph::declare_update) is added. Program<double> works on the variables' float64 values.
///
/// Throws MemoryError, naming the largest value, where there is not enough memory; Error while a program runs
/// on the arena, for tensors of another graph, and for two updates of one variable, naming both lines.
template <class T>
Program<T> compile(const Graph& graph, const std::vector<Tensor>& fetches,
                   const std::vector<Updates>& updates = {}, const Arena& arena = Arena(),
                   const CompileOptions& options = {});

extern template Program<float> compile<float>(const Graph&, const std::vector<Tensor>&,
                                              const std::vector<Updates>&, const Arena&,
                                              const CompileOptions&);
extern template Program<double> compile<double>(const Graph&, const std::vector<Tensor>&,
                                                const std::vector<Updates>&, const Arena&,
                                                const CompileOptions&);

}  // namespace duet
