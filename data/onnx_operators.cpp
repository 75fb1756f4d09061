#include <duet/data/onnx_operators.hpp>

#include <algorithm>
#include <functional>
#include <map>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet {

namespace {

using Names = std::vector<std::string>;
using Numbers = std::vector<std::int64_t>;

/// What a mapping sees of its node, and writes to.
class Task {
 public:
    Task(OnnxNodes& to, const Graph& graph, const Node& of, const Names& operands)
        : onnx(to), node(of), inputs(operands), graph_(graph), attributes_(of.op->attributes()) {}

    /// An attribute of the op. An op of the user's own that has a name of Duet's shows here.
    template <class T>
    T attribute(const std::string& name) const {
        for (const Attribute& attribute : attributes_)
            if (attribute.name == name)
                if (const T* value = std::get_if<T>(&attribute.value)) return *value;
        throw Error(
            fmt::format("its op has no attribute \"{}\" of the kind that Duet's op of that name has", name));
    }
    Numbers numbers(const std::string& name) const { return attribute<Numbers>(name); }
    std::int64_t whole(const std::string& name) const { return attribute<std::int64_t>(name); }
    float real(const std::string& name) const { return static_cast<float>(attribute<double>(name)); }
    /// Refuses what compiled programs alone have.
    void expect_false(const std::string& name) const {
        if (attribute<bool>(name)) throw Error(fmt::format("its attribute \"{}\" is set", name));
    }

    /// The shape of an input of the Duet node.
    const Shape& shape(std::size_t input) const { return graph_.node(node.inputs[input]).shape; }
    const Graph& graph() const { return graph_; }

    OnnxNodes& onnx;
    const Node& node;
    const Names& inputs;

 private:
    const Graph& graph_;
    Attributes attributes_;
};

using Mapping = std::function<std::string(const Task&)>;

std::int64_t extent(const Shape& shape, std::size_t axis) {
    return static_cast<std::int64_t>(shape[axis]);
}

Numbers twice(const Numbers& padding) {
    Numbers both = padding;
    both.insert(both.end(), padding.begin(), padding.end());
    return both;
}

/// The same operator with the same arguments.
Mapping same(const std::string& op) {
    return [op](const Task& task) { return task.onnx.add(op, task.inputs); };
}

Mapping with_real(const std::string& op, const std::string& from, const std::string& to) {
    return [=](const Task& task) { return task.onnx.add(op, task.inputs, {{to, task.real(from)}}); };
}

std::string cast(const Task& task, const std::string& value, std::int64_t type) {
    return task.onnx.add("Cast", {value}, {{"to", type}});
}

Mapping comparison(const std::string& op) {
    return [op](const Task& task) { return cast(task, task.onnx.add(op, task.inputs), onnx_float); };
}

/// The outermost extent as ONNX says it without a number: the input's (0), else what is left (-1).
std::string reshape(const Task& task, const std::string& value, const Shape& from, const Numbers& target) {
    Numbers extents = target;
    if (!extents.empty()) extents[0] = from.rank() > 0 && extent(from, 0) == extents[0] ? 0 : -1;
    return task.onnx.add("Reshape", {value, task.onnx.integers(extents)});
}

/// With axes of one element behind, as many as `rank` asks for.
std::string with_trailing_axes(const Task& task, const std::string& value, std::size_t behind,
                               std::size_t rank) {
    if (behind == 0) return value;
    Numbers axes;
    for (std::size_t axis = rank; axis < rank + behind; ++axis)
        axes.push_back(static_cast<std::int64_t>(axis));
    return task.onnx.add("Unsqueeze", {value, task.onnx.integers(axes)});
}

std::string channel_affine(const Task& task) {
    task.expect_false("accumulate");
    const auto axis = static_cast<std::size_t>(task.whole("axis"));
    const std::size_t rank = task.shape(1).rank(), behind = task.shape(0).rank() - axis - rank;
    std::string value =
        task.onnx.add("Mul", {task.inputs[0], with_trailing_axes(task, task.inputs[1], behind, rank)});
    if (task.attribute<bool>("shifts"))
        value = task.onnx.add("Add", {value, with_trailing_axes(task, task.inputs[2], behind, rank)});
    return value;
}

std::vector<OnnxAttribute> window(const Task& task) {
    return {{"kernel_shape", task.numbers("kernel")},
            {"strides", task.numbers("stride")},
            {"pads", twice(task.numbers("padding"))}};
}

std::vector<OnnxAttribute> convolution(const Task& task) {
    task.expect_false("arranged");
    const Shape& weight = task.shape(1);
    return {{"kernel_shape", Numbers{extent(weight, 2), extent(weight, 3)}},
            {"strides", task.numbers("stride")},
            {"pads", twice(task.numbers("padding"))},
            {"dilations", task.numbers("dilation")},
            {"group", task.whole("groups")}};
}

std::string conv_transpose(const Task& task) {
    std::vector<OnnxAttribute> attributes = convolution(task);
    attributes.push_back({"output_padding", task.numbers("output_padding")});
    return task.onnx.add("ConvTranspose", task.inputs, attributes);
}

std::string matmul(const Task& task) {
    task.expect_false("accumulate");
    return task.onnx.add("Gemm", task.inputs,
                         {{"transA", std::int64_t{task.attribute<bool>("transpose_a")}},
                          {"transB", std::int64_t{task.attribute<bool>("transpose_b")}}});
}

std::string sum_pool(const Task& task) {
    std::vector<OnnxAttribute> attributes = window(task);
    attributes.push_back({"count_include_pad", std::int64_t{1}});
    const Numbers kernel = task.numbers("kernel");
    const std::string mean = task.onnx.add("AveragePool", task.inputs, attributes);
    return task.onnx.add("Mul", {mean, task.onnx.number(static_cast<float>(kernel[0] * kernel[1]))});
}

/// Each element repeated over its window. Where windows overlap or leave gaps, only gradients need it.
std::string repeat_pixels(const Task& task) {
    const Numbers kernel = task.numbers("kernel"), extents = task.numbers("extents");
    const Shape& pooled = task.shape(0);
    const bool repeats = kernel == task.numbers("stride") && task.numbers("padding") == Numbers{0, 0} &&
                         extents == Numbers{extent(pooled, 2) * kernel[0], extent(pooled, 3) * kernel[1]};
    if (!repeats) throw Error("its windows overlap or leave gaps");
    const auto scale = [&](std::size_t axis) { return static_cast<float>(kernel[axis]); };
    return task.onnx.add("Resize", {task.inputs[0], "", task.onnx.floats({1, 1, scale(0), scale(1)})},
                         {{"mode", std::string("nearest")},
                          {"coordinate_transformation_mode", std::string("asymmetric")},
                          {"nearest_mode", std::string("floor")}});
}

const Node* places_of(const Graph& graph, const Node& node) {
    if (node.op->name() != "take_at") return nullptr;
    const Node& places = graph.node(node.inputs[1]);
    const bool pools = places.op->name() == "max_pool2d_places" && places.inputs[0] == node.inputs[0];
    return pools ? &places : nullptr;
}

std::string max_pool(const Task& task) {
    const Node* places = places_of(task.graph(), task.node);
    if (places == nullptr) throw Error("its places are not those of a maximum pooling of its images");
    return task.onnx.add("MaxPool", task.inputs, window(Task(task.onnx, task.graph(), *places, task.inputs)));
}

std::string moments(const Task& task) {
    const Numbers kept = task.numbers("kept_axes");
    Numbers averaged;
    for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(task.shape(0).rank()); ++axis)
        if (std::find(kept.begin(), kept.end(), axis) == kept.end()) averaged.push_back(axis);
    const std::vector<OnnxAttribute> over{{"axes", averaged}, {"keepdims", std::int64_t{1}}};
    const std::string mean = task.onnx.add("ReduceMean", task.inputs, over);
    const std::string apart = task.onnx.add("Sub", {task.inputs[0], mean});
    const std::string variance = task.onnx.add("ReduceMean", {task.onnx.add("Mul", {apart, apart})}, over);
    const std::string both = task.onnx.add("Concat", {mean, variance}, {{"axis", std::int64_t{0}}});
    Numbers extents{2};
    for (const std::int64_t axis : kept)
        extents.push_back(extents.size() == 1 ? -1 : extent(task.shape(0), static_cast<std::size_t>(axis)));
    return task.onnx.add("Reshape", {both, task.onnx.integers(extents)});
}

std::string sum(const Task& task) {
    return task.onnx.add("ReduceSum", {task.inputs[0], task.onnx.integers(task.numbers("axes"))},
                         {{"keepdims", std::int64_t{0}}});
}

std::string max(const Task& task) {
    return task.onnx.add("ReduceMax", task.inputs,
                         {{"axes", task.numbers("axes")}, {"keepdims", std::int64_t{0}}});
}

/// Only the axes that lose something: whole ones then need no numbers.
std::string slice(const Task& task) {
    const Numbers begin = task.numbers("begin"), end = task.numbers("end");
    Numbers begins, ends, axes;
    for (std::size_t axis = 0; axis < begin.size(); ++axis) {
        if (begin[axis] == 0 && end[axis] == extent(task.shape(0), axis)) continue;
        begins.push_back(begin[axis]);
        ends.push_back(end[axis]);
        axes.push_back(static_cast<std::int64_t>(axis));
    }
    if (axes.empty()) return task.onnx.add("Identity", task.inputs);
    return task.onnx.add("Slice", {task.inputs[0], task.onnx.integers(begins), task.onnx.integers(ends),
                                   task.onnx.integers(axes)});
}

std::string pad(const Task& task) {
    task.expect_false("accumulate");
    Numbers pads = task.numbers("before");
    const Numbers after = task.numbers("after");
    pads.insert(pads.end(), after.begin(), after.end());
    return task.onnx.add("Pad", {task.inputs[0], task.onnx.integers(pads)},
                         {{"mode", std::string("constant")}});
}

std::string gather(const Task& task) {
    return task.onnx.add("Gather", {task.inputs[0], cast(task, task.inputs[1], onnx_int64)},
                         {{"axis", std::int64_t{0}}});
}

std::string one_hot(const Task& task) {
    return task.onnx.add("OneHot", {cast(task, task.inputs[0], onnx_int64),
                                    task.onnx.integer(task.whole("depth")), task.onnx.floats({0, 1})});
}

std::string where(const Task& task) {
    return task.onnx.add("Where", {cast(task, task.inputs[0], onnx_bool), task.inputs[1], task.inputs[2]});
}

/// One row an op.
const std::map<std::string, Mapping, std::less<>>& mappings() {
    static const std::map<std::string, Mapping, std::less<>> rows{
        {"add", same("Add")},
        {"subtract", same("Sub")},
        {"multiply", same("Mul")},
        {"divide", same("Div")},
        {"negate", same("Neg")},
        {"exp", same("Exp")},
        {"expm1",
         [](const Task& task) {
             return task.onnx.add("Sub", {task.onnx.add("Exp", task.inputs), task.onnx.number(1)});
         }},
        {"log", same("Log")},
        {"log1p",
         [](const Task& task) {
             return task.onnx.add("Log", {task.onnx.add("Add", {task.inputs[0], task.onnx.number(1)})});
         }},
        {"sqrt", same("Sqrt")},
        {"square",
         [](const Task& task) {
             return task.onnx.add("Mul", {task.inputs[0], task.inputs[0]});
         }},
        {"power",
         [](const Task& task) {
             return task.onnx.add("Pow", {task.inputs[0], task.onnx.number(task.real("exponent"))});
         }},
        {"abs", same("Abs")},
        {"maximum", same("Max")},
        {"minimum", same("Min")},
        {"greater", comparison("Greater")},
        {"greater_equal", comparison("GreaterOrEqual")},
        {"less", comparison("Less")},
        {"less_equal", comparison("LessOrEqual")},
        {"equal", comparison("Equal")},
        {"where", where},
        {"relu", same("Relu")},
        {"leaky_relu", with_real("LeakyRelu", "slope", "alpha")},
        {"elu", with_real("Elu", "alpha", "alpha")},
        {"sigmoid", same("Sigmoid")},
        {"tanh", same("Tanh")},
        {"softplus", same("Softplus")},
        {"clip",
         [](const Task& task) {
             return task.onnx.add("Clip", {task.inputs[0], task.onnx.number(task.real("low")),
                                           task.onnx.number(task.real("high"))});
         }},
        {"broadcast_to",
         [](const Task& task) {
             return task.onnx.add("Expand", {task.inputs[0], task.onnx.integers(task.numbers("shape"))});
         }},
        {"channel_affine", channel_affine},
        {"channel_scale", channel_affine},
        {"sum", sum},
        {"max", max},
        {"moments", moments},
        {"matmul", matmul},
        {"conv2d", [](const Task& task) { return task.onnx.add("Conv", task.inputs, convolution(task)); }},
        {"conv_transpose2d", conv_transpose},
        {"sum_pool2d", sum_pool},
        {"sum_unpool2d", repeat_pixels},
        {"take_at", max_pool},
        {"reshape",
         [](const Task& task) {
             return reshape(task, task.inputs[0], task.shape(0), task.numbers("shape"));
         }},
        {"transpose",
         [](const Task& task) {
             return task.onnx.add("Transpose", task.inputs, {{"perm", task.numbers("axes")}});
         }},
        {"concat",
         [](const Task& task) {
             return task.onnx.add("Concat", task.inputs, {{"axis", task.whole("axis")}});
         }},
        {"slice", slice},
        {"pad", pad},
        {"gather", gather},
        {"one_hot", one_hot},
        {"stop_gradient", same("Identity")},
    };
    return rows;
}

/// The ONNX operators of these rows broadcast.
bool broadcasts(const std::string& op) {
    constexpr std::string_view ops[] = {"add",           "subtract", "multiply",   "divide",
                                        "maximum",       "minimum",  "greater",    "less",
                                        "greater_equal", "equal",    "less_equal", "where"};
    return std::find(std::begin(ops), std::end(ops), op) != std::end(ops);
}

}  // namespace

std::vector<NodeId> onnx_operands(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    std::vector<NodeId> operands = node.inputs;
    if (places_of(graph, node) != nullptr) return {operands[0]};
    const auto repeated = [&](NodeId operand) { return graph.node(operand).op->name() == "broadcast_to"; };
    if (broadcasts(node.op->name()) && !std::all_of(operands.begin(), operands.end(), repeated))
        for (NodeId& operand : operands)
            while (repeated(operand)) operand = graph.node(operand).inputs[0];
    return operands;
}

std::string add_onnx_operator(OnnxNodes& onnx, const Graph& graph, NodeId id,
                              const std::vector<std::string>& operands) {
    const Node& node = graph.node(id);
    const auto found = mappings().find(node.op->name());
    if (found == mappings().end())
        throw Error(
            fmt::format("node {} cannot be written as ONNX: its op, {}, has no mapping; export a graph "
                        "for inference that is made of other ops",
                        describe_node(graph, id), node.op->name()));
    try {
        return found->second(Task(onnx, graph, node, operands));
    } catch (const Error& error) {
        throw Error(fmt::format("node {} cannot be written as ONNX by the mapping of {}: {}",
                                describe_node(graph, id), node.op->name(), error.what()));
    }
}

}  // namespace duet
