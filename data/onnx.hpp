#pragma once

#include <map>
#include <span>
#include <string>

#include <duet/data/file.hpp>
#include <duet/graph/graph.hpp>

namespace duet {

/// A tensor under the name that it has in a file.
struct NamedTensor {
    std::string name;
    Tensor tensor;
};

struct OnnxOptions {
    /// Not empty: the name of the outermost extent of every input and output, such as "batch", which is then
    /// not a number. Whether the nodes between them work for any number is the caller's to know: they do
    /// if graphs of two batch sizes give the same bytes.
    std::string batch = {};
    std::string name = "duet";                         ///< of the graph
    std::map<std::string, std::string> metadata = {};  ///< the model's metadata_props
};

/// What `outputs` are made of, as an ONNX model, for inference: IR version 8, operator set 13, float32
/// (https://github.com/onnx/onnx/blob/main/docs/IR.md, onnx.proto3). Variables are initializers with their
/// present float32 values, constants are rounded to float32; labels and other indices are float32, as Duet
/// feeds them. Each node says the line that declared it. The same graph, values and names give the same
/// bytes.
///
/// Throws Error for an op without a mapping (data/onnx_operators.hpp), naming node, op and line: random ones
/// among them, which draw other numbers elsewhere, and those that only gradients need; for an input of the
/// graph that is needed and not among `inputs`; for an entry of `inputs` that is no input of the graph; for
/// tensors of different graphs, no outputs, names that are empty or given twice, an outermost extent to name
/// where there is none, and a model of 2 GiB or more, which Protocol Buffers cannot hold.
Bytes encode_onnx(std::span<const NamedTensor> inputs, std::span<const NamedTensor> outputs,
                  const OnnxOptions& options = {});

}  // namespace duet
