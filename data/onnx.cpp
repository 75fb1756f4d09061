#include <duet/data/onnx.hpp>

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/onnx_nodes.hpp>
#include <duet/data/onnx_operators.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/leaves.hpp>

namespace duet {

namespace {

constexpr std::int64_t ir_version = 8, operator_set = 13;
// ModelProto, OperatorSetIdProto, StringStringEntryProto, GraphProto, ValueInfoProto, TypeProto,
// TensorShapeProto.
constexpr std::uint32_t model_ir_version = 1, model_producer_name = 2, model_graph = 7,
                        model_opset_import = 8, model_metadata_props = 14;
constexpr std::uint32_t opset_domain = 1, opset_version = 2;
constexpr std::uint32_t entry_key = 1, entry_value = 2;
constexpr std::uint32_t graph_name = 2, graph_input = 11, graph_output = 12;
constexpr std::uint32_t value_name = 1, value_type = 2, type_tensor = 1, tensor_elem_type = 1,
                        tensor_shape = 2, shape_dim = 1, dim_value = 1, dim_param = 2;

ProtobufWriter value_info(const NamedTensor& value, const std::string& batch) {
    ProtobufWriter shape;
    const Shape& extents = value.tensor.shape();
    for (std::size_t axis = 0; axis < extents.rank(); ++axis) {
        ProtobufWriter extent;
        if (axis == 0 && !batch.empty())
            extent.add_text(dim_param, batch);
        else
            extent.add_integer(dim_value, static_cast<std::int64_t>(extents[axis]));
        shape.add_message(shape_dim, extent);
    }
    ProtobufWriter tensor, type, info;
    tensor.add_integer(tensor_elem_type, onnx_float);
    tensor.add_message(tensor_shape, shape);
    type.add_message(type_tensor, tensor);
    info.add_text(value_name, value.name);
    info.add_message(value_type, type);
    return info;
}

/// What is to be written of one graph.
class Export {
 public:
    Export(std::span<const NamedTensor> inputs, std::span<const NamedTensor> outputs,
           const OnnxOptions& options)
        : inputs_(inputs),
          outputs_(outputs),
          options_(options),
          graph_(checked_graph()),
          values_(graph_.size()) {}

    Bytes model() {
        for (const NamedTensor& value : outputs_) reserve(value);
        for (const NamedTensor& value : inputs_) {
            reserve(value);
            if (dynamic_cast<const InputOp*>(graph_.node(value.tensor.id()).op.get()) == nullptr)
                throw Error(
                    fmt::format("{} cannot be the input \"{}\" of an ONNX model: it is no input of the graph",
                                describe_node(graph_, value.tensor.id()), value.name));
            values_[value.tensor.id()] = value.name;
        }
        add_nodes();
        onnx_.begin("", "");
        for (const NamedTensor& value : outputs_)
            onnx_.add_named("Identity", {values_[value.tensor.id()]}, {}, value.name);
        return whole();
    }

 private:
    const Graph& checked_graph() const {
        if (outputs_.empty()) throw Error("an ONNX model without outputs was asked for: name at least one");
        for (const auto& values : {inputs_, outputs_})
            for (const NamedTensor& value : values)
                if (!value.tensor.valid() || value.tensor.place() != outputs_[0].tensor.place())
                    throw Error(fmt::format(
                        "\"{}\" of an ONNX model is {}", value.name,
                        value.tensor.valid() ? "of another graph than its first output" : "an empty tensor"));
        return outputs_[0].tensor.graph();
    }

    void reserve(const NamedTensor& value) {
        if (value.name.empty() || !onnx_.take_name(value.name))
            throw Error(
                fmt::format("two inputs or outputs of an ONNX model are called \"{}\", or one has no name: "
                            "give each a name of its own",
                            value.name));
        if (!options_.batch.empty() && value.tensor.shape().rank() == 0)
            throw Error(fmt::format("\"{}\" of an ONNX model has no extent that could be called \"{}\"",
                                    value.name, options_.batch));
    }

    /// The nodes that outputs are made of, in the graph's order, which is topological.
    void add_nodes() {
        std::vector<bool> needed(graph_.size(), false);
        for (const NamedTensor& value : outputs_) needed[value.tensor.id()] = true;
        for (NodeId id = graph_.size(); id-- > 0;)
            if (needed[id])
                for (const NodeId operand : onnx_operands(graph_, id)) needed[operand] = true;
        for (NodeId id = 0; id < graph_.size(); ++id)
            if (needed[id] && values_[id].empty()) values_[id] = add_node(id);
    }

    std::string add_node(NodeId id) {
        const Node& node = graph_.node(id);
        const Op* op = node.op.get();
        if (const auto* variable = dynamic_cast<const VariableOp*>(op)) {
            const Array& value = variable->variable().value();
            return onnx_.initializer(variable->variable().name(), node.shape, {value.data(), value.size()});
        }
        if (const auto* constant = dynamic_cast<const ConstantOp*>(op)) {
            std::vector<float> values;
            values.reserve(constant->values().size());
            for (const double value : constant->values()) values.push_back(static_cast<float>(value));
            return onnx_.initializer(fmt::format("constant_{}", id), node.shape, values);
        }
        if (dynamic_cast<const InputOp*>(op) != nullptr)
            throw Error(fmt::format("the outputs of an ONNX model need {}, which is not among its inputs",
                                    describe_node(graph_, id)));
        std::vector<std::string> operands;
        for (const NodeId operand : onnx_operands(graph_, id)) operands.push_back(values_[operand]);
        onnx_.begin(node.name.empty() ? fmt::format("{}_{}", op->name(), id) : node.name,
                    to_string(node.where));
        return add_onnx_operator(onnx_, graph_, id, operands);
    }

    Bytes whole() {
        ProtobufWriter& graph = onnx_.graph();
        graph.add_text(graph_name, options_.name);
        for (const NamedTensor& value : inputs_)
            graph.add_message(graph_input, value_info(value, options_.batch));
        for (const NamedTensor& value : outputs_)
            graph.add_message(graph_output, value_info(value, options_.batch));
        ProtobufWriter opset, model;
        opset.add_text(opset_domain, "");
        opset.add_integer(opset_version, operator_set);
        model.add_integer(model_ir_version, ir_version);
        model.add_text(model_producer_name, "duet");
        model.add_message(model_opset_import, opset);
        model.add_message(model_graph, graph);
        for (const auto& [key, text] : options_.metadata) {
            ProtobufWriter entry;
            entry.add_text(entry_key, key);
            entry.add_text(entry_value, text);
            model.add_message(model_metadata_props, entry);
        }
        if (model.bytes().size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
            throw Error(
                fmt::format("an ONNX model of {} bytes cannot be written: Protocol Buffers hold 2 GiB",
                            model.bytes().size()));
        return model.bytes();
    }

    std::span<const NamedTensor> inputs_, outputs_;
    const OnnxOptions& options_;
    const Graph& graph_;
    OnnxNodes onnx_;
    /// What ONNX calls the values of nodes; empty of those that are not written.
    std::vector<std::string> values_;
};

}  // namespace

Bytes encode_onnx(std::span<const NamedTensor> inputs, std::span<const NamedTensor> outputs,
                  const OnnxOptions& options) {
    return Export(inputs, outputs, options).model();
}

}  // namespace duet
