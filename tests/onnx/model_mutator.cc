#include "onnx/model_mutator.h"

#include <array>
#include <limits>
#include <string>

namespace burnish::onnx_test {
namespace {

class Mutator {
 public:
  explicit Mutator(std::mt19937& random) : random_(random) {}

  void mutate(onnx::ModelProto& model) {
    auto& graph = *model.mutable_graph();
    switch (below(8)) {
      case 0:
        return type(graph);
      case 1:
        return opset(model);
      case 2:
      case 3:
        return constant(graph);
      default:
        return node(body_of(model));
    }
  }

 private:
  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  template <typename Field>
  auto* any_of(Field* field) {
    return field->empty() ? nullptr : &(*field)[below(field->size())];
  }

  int64_t number() {
    constexpr std::array<int64_t, 16> kEdges = {-1,
                                                0,
                                                1,
                                                2,
                                                3,
                                                4,
                                                7,
                                                16,
                                                -2,
                                                -3,
                                                1000,
                                                65536,
                                                int64_t{1} << 31,
                                                int64_t{1} << 40,
                                                std::numeric_limits<int64_t>::max(),
                                                std::numeric_limits<int64_t>::min()};
    return kEdges[static_cast<size_t>(below(kEdges.size()))];
  }

  float real() {
    constexpr std::array<float, 7> kEdges = {
        0, 1, -1, 0.5F, 1e30F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()};
    return kEdges[static_cast<size_t>(below(kEdges.size()))];
  }

  /// The nodes of the graph, of a function, or of a branch.
  Nodes& body_of(onnx::ModelProto& model) {
    if (below(6) == 0 && model.functions_size() > 0) return *any_of(model.mutable_functions())->mutable_node();
    Nodes& nodes = *model.mutable_graph()->mutable_node();
    auto* any = any_of(&nodes);
    auto* attribute = any == nullptr ? nullptr : any_of(any->mutable_attribute());
    return attribute != nullptr && attribute->has_g() ? *attribute->mutable_g()->mutable_node() : nodes;
  }

  void type(onnx::GraphProto& graph) {
    auto* input = any_of(graph.mutable_input());
    if (input == nullptr) return;
    auto& tensor = *input->mutable_type()->mutable_tensor_type();
    auto* dim = any_of(tensor.mutable_shape()->mutable_dim());
    if (below(2) == 0) return tensor.set_elem_type(below(26));
    if (dim != nullptr) return dim->set_dim_value(number());
    tensor.mutable_shape()->add_dim();
  }

  void opset(onnx::ModelProto& model) {
    auto* opset = any_of(model.mutable_opset_import());
    if (opset != nullptr) opset->set_version(1 + below(30));
  }

  void constant(onnx::GraphProto& graph) {
    auto* tensor = any_of(graph.mutable_initializer());
    if (tensor == nullptr) return;
    switch (below(5)) {
      case 0:
        return tensor->add_dims(1);
      case 1:
        return tensor->set_data_type(below(26));
      case 2:
        if (tensor->dims_size() > 0) tensor->set_dims(below(tensor->dims_size()), number());
        return;
      case 3:
        if (auto* value = any_of(tensor->mutable_float_data())) *value = real();
        return;
      default:
        if (auto* value = any_of(tensor->mutable_int64_data())) *value = number();
    }
  }

  void attribute(onnx::AttributeProto& attribute) {
    if (below(8) == 0) return attribute.set_type(static_cast<onnx::AttributeProto::AttributeType>(1 + below(14)));
    if (below(8) == 0) return attribute.set_ref_attr_name("alpha");
    attribute.set_i(number());
    attribute.set_f(real());
    if (auto* item = any_of(attribute.mutable_ints())) *item = number();
    if (below(4) == 0) attribute.add_ints(number());
  }

  void node(Nodes& nodes) {
    auto* node = any_of(&nodes);
    auto* other = any_of(&nodes);
    if (node == nullptr) return;
    auto* attribute_proto = any_of(node->mutable_attribute());
    auto* input = any_of(node->mutable_input());
    switch (below(9)) {
      case 0:
        return node->set_op_type(other->op_type());
      case 1:
        return node->set_domain(other->domain());
      case 2:
        if (input != nullptr) input->clear();
        return;
      case 3:
        if (input != nullptr && other->output_size() > 0) *input = other->output(below(other->output_size()));
        return;
      case 4:
        if (input != nullptr) node->mutable_input()->RemoveLast();
        return;
      case 5:
        return node->add_output("more" + std::to_string(below(3)));
      case 6:
        if (attribute_proto != nullptr) node->mutable_attribute()->RemoveLast();
        return;
      default:
        if (attribute_proto != nullptr) attribute(*attribute_proto);
    }
  }

  std::mt19937& random_;
};

}  // namespace

void mutate_model(onnx::ModelProto& model, std::mt19937& random) {
  Mutator(random).mutate(model);
}

}  // namespace burnish::onnx_test
