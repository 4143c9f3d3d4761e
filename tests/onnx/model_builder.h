#pragma once
// Small ONNX models for tests, made in memory.
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "onnx-ml.pb.h"
#include "onnx/importer.h"

namespace burnish::onnx_test {

using Names = std::vector<std::string>;
using ModelDim = std::variant<int64_t, std::string>;  ///< A number, or a name ("" for an unnamed free dimension).

/// Fills a body (a graph or a function) with nodes.
onnx::NodeProto& add_node(google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes, const std::string& op,
                          const Names& inputs, const Names& outputs);

void set(onnx::NodeProto& node, const std::string& attribute, int64_t value);
void set(onnx::NodeProto& node, const std::string& attribute, float value);
void set(onnx::NodeProto& node, const std::string& attribute, const std::string& value);
void set(onnx::NodeProto& node, const std::string& attribute, const std::vector<int64_t>& values);
/// The attribute of this type takes the value of the enclosing function's attribute.
void refer(onnx::NodeProto& node, const std::string& attribute, const std::string& function_attribute,
           onnx::AttributeProto::AttributeType type);
onnx::GraphProto& subgraph(onnx::NodeProto& node, const std::string& attribute);

onnx::TensorProto floats(const std::string& name, const std::vector<int64_t>& dims, const std::vector<float>& values);
onnx::TensorProto ints(const std::string& name, const std::vector<int64_t>& dims, const std::vector<int64_t>& values);
onnx::TensorProto bools(const std::string& name, const std::vector<int64_t>& dims, const std::vector<int>& values);

class ModelBuilder {
 public:
  explicit ModelBuilder(int64_t opset = kNewestOpset);

  onnx::ModelProto& model() { return model_; }
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }
  ModelBuilder& input(const std::string& name, const std::vector<ModelDim>& dims, int type = onnx::TensorProto::FLOAT);
  ModelBuilder& output(const std::string& name);
  ModelBuilder& initializer(const onnx::TensorProto& tensor);
  onnx::NodeProto& node(const std::string& op, const Names& inputs, const Names& outputs);
  /// A model-local function of domain "local".
  onnx::FunctionProto& function(const std::string& name, const Names& inputs, const Names& outputs);

  std::vector<std::byte> bytes() const;
  Graph import(const std::string& directory = "") const;
  /// The message of the error that importing ends in; "" when it succeeds.
  std::string import_error(const std::string& directory = "") const;

 private:
  onnx::ModelProto model_;
};

/// Imports and runs the model with the reference; floats in, first output's floats out.
std::vector<float> run_floats(const ModelBuilder& builder, const std::map<std::string, Tensor>& inputs);
Tensor float_tensor(const Shape& shape, const std::vector<float>& values);
/// Number of live nodes with this operator.
int count(const Graph& graph, const std::string& op);

}  // namespace burnish::onnx_test
