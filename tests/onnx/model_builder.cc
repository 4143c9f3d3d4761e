#include "onnx/model_builder.h"

#include "base/error.h"
#include "ir/interpreter.h"

namespace burnish::onnx_test {
namespace {

onnx::AttributeProto& add_attribute(onnx::NodeProto& node, const std::string& name,
                                    onnx::AttributeProto::AttributeType type) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

onnx::TensorProto tensor(const std::string& name, const std::vector<int64_t>& dims, int type) {
  onnx::TensorProto proto;
  proto.set_name(name);
  proto.set_data_type(type);
  for (const int64_t dim : dims) proto.add_dims(dim);
  return proto;
}

}  // namespace

onnx::NodeProto& add_node(google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes, const std::string& op,
                          const Names& inputs, const Names& outputs) {
  auto& node = *nodes.Add();
  node.set_op_type(op);
  node.set_name(outputs.empty() ? op : op + "_" + outputs[0]);
  for (const auto& name : inputs) node.add_input(name);
  for (const auto& name : outputs) node.add_output(name);
  return node;
}

void set(onnx::NodeProto& node, const std::string& attribute, int64_t value) {
  add_attribute(node, attribute, onnx::AttributeProto::INT).set_i(value);
}

void set(onnx::NodeProto& node, const std::string& attribute, float value) {
  add_attribute(node, attribute, onnx::AttributeProto::FLOAT).set_f(value);
}

void set(onnx::NodeProto& node, const std::string& attribute, const std::string& value) {
  add_attribute(node, attribute, onnx::AttributeProto::STRING).set_s(value);
}

void set(onnx::NodeProto& node, const std::string& attribute, const std::vector<int64_t>& values) {
  auto& proto = add_attribute(node, attribute, onnx::AttributeProto::INTS);
  for (const int64_t value : values) proto.add_ints(value);
}

void refer(onnx::NodeProto& node, const std::string& attribute, const std::string& function_attribute,
           onnx::AttributeProto::AttributeType type) {
  add_attribute(node, attribute, type).set_ref_attr_name(function_attribute);
}

onnx::GraphProto& subgraph(onnx::NodeProto& node, const std::string& attribute) {
  return *add_attribute(node, attribute, onnx::AttributeProto::GRAPH).mutable_g();
}

onnx::TensorProto floats(const std::string& name, const std::vector<int64_t>& dims, const std::vector<float>& values) {
  auto proto = tensor(name, dims, onnx::TensorProto::FLOAT);
  for (const float value : values) proto.add_float_data(value);
  return proto;
}

onnx::TensorProto ints(const std::string& name, const std::vector<int64_t>& dims, const std::vector<int64_t>& values) {
  auto proto = tensor(name, dims, onnx::TensorProto::INT64);
  for (const int64_t value : values) proto.add_int64_data(value);
  return proto;
}

onnx::TensorProto bools(const std::string& name, const std::vector<int64_t>& dims, const std::vector<int>& values) {
  auto proto = tensor(name, dims, onnx::TensorProto::BOOL);
  for (const int value : values) proto.add_int32_data(value);
  return proto;
}

ModelBuilder::ModelBuilder(int64_t opset) {
  model_.set_ir_version(10);
  model_.set_producer_name("test");
  model_.mutable_graph()->set_name("test_graph");
  model_.add_opset_import()->set_version(opset);
}

ModelBuilder& ModelBuilder::input(const std::string& name, const std::vector<ModelDim>& dims, int type) {
  auto& info = *graph().add_input();
  info.set_name(name);
  auto& proto = *info.mutable_type()->mutable_tensor_type();
  proto.set_elem_type(type);
  auto& shape = *proto.mutable_shape();
  for (const ModelDim& dim : dims) {
    auto& d = *shape.add_dim();
    if (const auto* number = std::get_if<int64_t>(&dim)) {
      d.set_dim_value(*number);
    } else if (!std::get<std::string>(dim).empty()) {
      d.set_dim_param(std::get<std::string>(dim));
    }
  }
  return *this;
}

ModelBuilder& ModelBuilder::output(const std::string& name) {
  graph().add_output()->set_name(name);
  return *this;
}

ModelBuilder& ModelBuilder::initializer(const onnx::TensorProto& tensor) {
  *graph().add_initializer() = tensor;
  return *this;
}

onnx::NodeProto& ModelBuilder::node(const std::string& op, const Names& inputs, const Names& outputs) {
  return add_node(*graph().mutable_node(), op, inputs, outputs);
}

onnx::FunctionProto& ModelBuilder::function(const std::string& name, const Names& inputs, const Names& outputs) {
  auto& function = *model_.add_functions();
  function.set_name(name);
  function.set_domain("local");
  for (const auto& input : inputs) function.add_input(input);
  for (const auto& output : outputs) function.add_output(output);
  function.add_opset_import()->set_version(kNewestOpset);
  return function;
}

std::vector<std::byte> ModelBuilder::bytes() const {
  const std::string text = model_.SerializeAsString();
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

Graph ModelBuilder::import(const std::string& directory) const {
  const auto serialized = bytes();
  Graph graph = import_model(serialized, directory);
  graph.verify();
  return graph;
}

std::string ModelBuilder::import_error(const std::string& directory) const {
  try {
    import(directory);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::vector<float> run_floats(const ModelBuilder& builder, const std::map<std::string, Tensor>& inputs) {
  const Graph graph = builder.import();
  const auto outputs = interpret(graph, inputs);
  const Tensor& first = outputs.at(graph.outputs().at(0).name);
  return {first.as<float>(), first.as<float>() + first.num_elements()};
}

Tensor float_tensor(const Shape& shape, const std::vector<float>& values) {
  return Tensor::from_floats(values).reshaped(shape);
}

int count(const Graph& graph, const std::string& op) {
  int n = 0;
  for (const NodeId id : graph.topological_order()) n += graph.node(id).op == op;
  return n;
}

}  // namespace burnish::onnx_test
