#include <duet/data/onnx_nodes.hpp>

#include <fmt/format.h>

namespace duet {

namespace {

// GraphProto, NodeProto, AttributeProto, TensorProto.
constexpr std::uint32_t graph_node = 1, graph_initializer = 5;
constexpr std::uint32_t node_input = 1, node_output = 2, node_name = 3, node_op_type = 4, node_attribute = 5,
                        node_doc_string = 6;
constexpr std::uint32_t attribute_name = 1, attribute_f = 2, attribute_i = 3, attribute_s = 4,
                        attribute_ints = 8, attribute_type = 20;
constexpr std::int64_t type_float = 1, type_int = 2, type_string = 3, type_ints = 7;
constexpr std::uint32_t tensor_dims = 1, tensor_data_type = 2, tensor_name = 8, tensor_raw_data = 9;

ProtobufWriter message_of(const OnnxAttribute& attribute) {
    ProtobufWriter message;
    message.add_text(attribute_name, attribute.name);
    if (const auto* whole = std::get_if<std::int64_t>(&attribute.value)) {
        message.add_integer(attribute_i, *whole);
        message.add_integer(attribute_type, type_int);
    } else if (const auto* real = std::get_if<float>(&attribute.value)) {
        message.add_float(attribute_f, *real);
        message.add_integer(attribute_type, type_float);
    } else if (const auto* text = std::get_if<std::string>(&attribute.value)) {
        message.add_text(attribute_s, *text);
        message.add_integer(attribute_type, type_string);
    } else {
        for (const std::int64_t number : std::get<std::vector<std::int64_t>>(attribute.value))
            message.add_integer(attribute_ints, number);
        message.add_integer(attribute_type, type_ints);
    }
    return message;
}

}  // namespace

void OnnxNodes::begin(std::string name, std::string line) {
    name_ = std::move(name);
    line_ = std::move(line);
}

std::string OnnxNodes::add(const std::string& op, const std::vector<std::string>& inputs,
                           const std::vector<OnnxAttribute>& attributes) {
    std::string output = free_name(name_);
    add_named(op, inputs, attributes, output);
    return output;
}

void OnnxNodes::add_named(const std::string& op, const std::vector<std::string>& inputs,
                          const std::vector<OnnxAttribute>& attributes, const std::string& output) {
    ProtobufWriter node;
    for (const std::string& input : inputs) node.add_text(node_input, input);
    node.add_text(node_output, output);
    // Names of nodes and names of values are apart: both may be the same.
    node.add_text(node_name, output);
    node.add_text(node_op_type, op);
    for (const OnnxAttribute& attribute : attributes) node.add_message(node_attribute, message_of(attribute));
    if (!line_.empty()) node.add_text(node_doc_string, line_);
    graph_.add_message(graph_node, node);
}

std::string OnnxNodes::constant(std::int64_t type, const std::vector<std::int64_t>& extents,
                                const std::string& name, std::span<const std::byte> values) {
    std::string own = free_name(name);
    ProtobufWriter tensor;
    for (const std::int64_t extent : extents) tensor.add_integer(tensor_dims, extent);
    tensor.add_integer(tensor_data_type, type);
    tensor.add_text(tensor_name, own);
    tensor.add_bytes(tensor_raw_data, values);
    graph_.add_message(graph_initializer, tensor);
    return own;
}

std::string OnnxNodes::integers(const std::vector<std::int64_t>& values) {
    return constant(onnx_int64, {static_cast<std::int64_t>(values.size())}, name_ + ".constant",
                    std::as_bytes(std::span(values)));
}

std::string OnnxNodes::integer(std::int64_t value) {
    return constant(onnx_int64, {}, name_ + ".constant", std::as_bytes(std::span(&value, 1)));
}

std::string OnnxNodes::floats(const std::vector<float>& values) {
    return constant(onnx_float, {static_cast<std::int64_t>(values.size())}, name_ + ".constant",
                    std::as_bytes(std::span(values)));
}

std::string OnnxNodes::number(float value) {
    return constant(onnx_float, {}, name_ + ".constant", std::as_bytes(std::span(&value, 1)));
}

std::string OnnxNodes::initializer(const std::string& name, const Shape& shape,
                                   std::span<const float> values) {
    return constant(onnx_float, std::vector<std::int64_t>(shape.begin(), shape.end()), name,
                    std::as_bytes(values));
}

std::string OnnxNodes::free_name(const std::string& wanted) {
    std::string name = wanted;
    for (std::size_t number = 2; !take_name(name); ++number) name = fmt::format("{}_{}", wanted, number);
    return name;
}

}  // namespace duet
