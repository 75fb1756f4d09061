#include <fmt/format.h>

#include <duet/graph/runtime/program_state.hpp>

namespace duet {

namespace {

constexpr double mebibyte = 1024.0 * 1024.0;

std::string label(const NodeReport& node) {
    return node.name.empty() ? node.op : node.name + ": " + node.op;
}

std::string escaped(const std::string& text) {
    std::string result;
    for (const char each : text) {
        if (each == '"' || each == '\\') result += '\\';
        result += each;
    }
    return result;
}

}  // namespace

std::string describe(const ProgramReport& report, const std::vector<NodeReport>& nodes) {
    std::string text = fmt::format("{:>6} {:<24} {:<28} {:<16} {:>12} {:>10}  {:<22} {}\n", "id", "name",
                                   "op", "shape", "FLOPs", "bytes", "place", "declared");
    for (const NodeReport& node : nodes)
        text += fmt::format("{:>6} {:<24} {:<28} {:<16} {:>12.0f} {:>10}  {:<22} {}\n", node.id, node.name,
                            node.op, node.shape, node.flops, node.bytes, node.place, node.where);
    text += fmt::format("{} nodes in {} instructions, {} barriers, {:.1f} MFLOP a run, order: {}\n",
                        nodes.size(), report.instructions, report.groups, report.flops / 1e6, report.order);
    text += fmt::format(
        "memory: {:.3f} MiB planned, {:.3f} MiB at least ({:.1f} % above)\n",
        static_cast<double>(report.arena_bytes) / mebibyte,
        static_cast<double>(report.bound_bytes) / mebibyte,
        report.bound_bytes == 0
            ? 0.0
            : 100.0 *
                  (static_cast<double>(report.arena_bytes) / static_cast<double>(report.bound_bytes) - 1.0));
    return text;
}

std::string to_dot(const std::vector<NodeReport>& nodes) {
    std::string text = "digraph duet {\n  node [shape=box, style=filled, fontname=\"sans-serif\"];\n";
    for (const NodeReport& node : nodes) {
        const char* colour = node.place == "input"                ? "lightyellow"
                             : node.place == "constant"           ? "white"
                             : node.place.starts_with("variable") ? "lightblue"
                             : node.place == "fused"              ? "lightgrey"
                                                                  : "palegreen";
        text += fmt::format("  n{} [label=\"{}\\n{}\\n{}\", fillcolor={}];\n", node.index,
                            escaped(label(node)), node.shape, escaped(node.place), colour);
        for (const std::size_t input : node.inputs) text += fmt::format("  n{} -> n{};\n", input, node.index);
    }
    return text + "}\n";
}

}  // namespace duet
