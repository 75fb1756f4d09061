#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <duet/data/protobuf_writer.hpp>
#include <duet/graph/shape.hpp>

namespace duet {

/// An attribute of an ONNX node.
struct OnnxAttribute {
    std::string name;
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>> value;
};

/// The nodes and initializers of an ONNX graph while it is written (onnx.proto3: NodeProto, TensorProto,
/// GraphProto). Values go by their names.
class OnnxNodes {
 public:
    /// Makes the next nodes and constants carry this name, and say that line.
    void begin(std::string name, std::string line);
    /// Appends a node of one output, and returns that value's name.
    std::string add(const std::string& op, const std::vector<std::string>& inputs,
                    const std::vector<OnnxAttribute>& attributes = {});
    /// The same where the value's name is given.
    void add_named(const std::string& op, const std::vector<std::string>& inputs,
                   const std::vector<OnnxAttribute>& attributes, const std::string& output);

    /// Initializers of one axis, and of none; each returns the value's name.
    std::string integers(const std::vector<std::int64_t>& values);
    std::string integer(std::int64_t value);
    std::string floats(const std::vector<float>& values);
    std::string number(float value);
    /// An initializer of any shape, under its name where that is free.
    std::string initializer(const std::string& name, const Shape& shape, std::span<const float> values);

    /// `wanted`, or that and a number if it is taken.
    std::string free_name(const std::string& wanted);
    /// True the first time.
    bool take_name(const std::string& name) { return names_.insert(name).second; }

    /// The fields of a GraphProto.
    ProtobufWriter& graph() { return graph_; }

 private:
    std::string constant(std::int64_t type, const std::vector<std::int64_t>& extents, const std::string& name,
                         std::span<const std::byte> values);

    ProtobufWriter graph_;
    std::set<std::string> names_;
    std::string name_, line_;
};

/// TensorProto.DataType.
inline constexpr std::int64_t onnx_float = 1, onnx_int64 = 7, onnx_bool = 9;

}  // namespace duet
