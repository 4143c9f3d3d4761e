// Subgraphs, and If: with a condition that is known, the chosen branch takes the node's place; with another one, Where
// chooses between the results of both, if neither can fail.
#include "onnx/model_importer.h"
#include "onnx/upgrade.h"

namespace burnish {
namespace {

[[noreturn]] void refuse_condition() {
  throw Error(ErrorCode::kUnsupported, "its condition depends on the model's inputs")
      .with_hint("Export the model with this branch decided (fixed shapes, constant flags), or rewrite it with Where");
}

std::optional<bool> known_condition(const Graph& graph, ValueId condition) {
  check(condition != kNoValue, ErrorCode::kInvalidModel, "it has no condition");
  const auto value = try_evaluate(graph, condition);
  if (!value) return std::nullopt;
  check(value->dtype() == DType::kBool && value->num_elements() == 1, ErrorCode::kInvalidModel,
        "its condition is {}{}, not one bool", name_of(value->dtype()), to_string(value->shape()));
  return *value->as<uint8_t>() != 0;
}

/// True when the node may run though its result is not wanted: it is cheap and succeeds for all elements.
bool can_run_in_vain(const Graph& graph, const Node& node) {
  const OpDescriptor* op = find_op(node.op);
  const bool divides = node.op == "Div" || node.op == "Mod";
  const bool is_float = node.output() != kNoValue && is_floating(graph.value(node.output()).type.dtype);
  return op != nullptr && (op->traits & (kElementwise | kView | kShapeOnly)) != 0 && (is_float || !divides);
}

bool same_known_type(const Graph& graph, ValueId a, ValueId b) {
  const TypeInfo& type = graph.value(a).type;
  return type.shape.has_value() && type == graph.value(b).type;
}

}  // namespace

const onnx::GraphProto& body_of(const NodeSite& site, std::string_view attribute) {
  const auto found = site.attributes.find(attribute);
  check(found != site.attributes.end() && found->second->has_g(), ErrorCode::kInvalidModel,
        "the attribute '{}' with its graph is missing", attribute);
  return found->second->g();
}

std::vector<ValueId> ModelImporter::inline_graph(const onnx::GraphProto& body, const std::vector<ValueId>& arguments,
                                                 const std::string& name, const Scope& scope) {
  check(static_cast<size_t>(body.input_size()) == arguments.size(), ErrorCode::kInvalidModel,
        "its graph '{}' has {} inputs instead of {}", body.name(), body.input_size(), arguments.size());
  Scope inner{.parent = &scope, .opsets = scope.opsets, .caller = scope.caller, .prefix = name + "/", .values = {}};
  for (size_t i = 0; i < arguments.size(); ++i) bind(inner, body.input(static_cast<int>(i)).name(), arguments[i]);
  import_initializers(body, inner);
  import_nodes(body.node(), inner);
  std::vector<ValueId> outputs;
  for (const auto& output : body.output()) {
    outputs.push_back(find_value(inner, output.name()).value_or(kNoValue));
    check(outputs.back() != kNoValue, ErrorCode::kInvalidModel, "no node of its graph '{}' makes the output '{}'",
          body.name(), output.name());
  }
  return outputs;
}

void ModelImporter::bind_outputs(const NodeSite& site, const std::vector<ValueId>& values, Scope& scope) {
  check(static_cast<size_t>(site.proto.output_size()) <= values.size(), ErrorCode::kInvalidModel,
        "it has {} outputs, but its graph makes {}", site.proto.output_size(), values.size());
  for (int i = 0; i < site.proto.output_size(); ++i) {
    if (!site.proto.output(i).empty()) bind(scope, site.proto.output(i), values[static_cast<size_t>(i)]);
  }
}

void ModelImporter::import_if(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope) {
  const auto& then_branch = body_of(site, "then_branch");
  const auto& else_branch = body_of(site, "else_branch");
  const ValueId condition = inputs.empty() ? kNoValue : inputs[0];
  if (const auto known = known_condition(graph_, condition)) {
    return bind_outputs(site, inline_graph(*known ? then_branch : else_branch, {}, site.name, scope), scope);
  }
  const int first_node = graph_.num_node_ids();
  const auto yes = inline_graph(then_branch, {}, site.name + "/then", scope);
  const auto no = inline_graph(else_branch, {}, site.name + "/else", scope);
  for (NodeId id = first_node; id < graph_.num_node_ids(); ++id) {
    if (!can_run_in_vain(graph_, graph_.node(id))) refuse_condition();
  }
  bind_outputs(site, choose(site, condition, yes, no), scope);
}

std::vector<ValueId> ModelImporter::choose(const NodeSite& site, ValueId condition, const std::vector<ValueId>& yes,
                                           const std::vector<ValueId>& no) {
  check(yes.size() == no.size(), ErrorCode::kInvalidModel, "its branches have {} and {} outputs", yes.size(),
        no.size());
  OldNode emitter{.op = "",
                  .name = site.name,
                  .version = 0,
                  .attrs = {},
                  .inputs = {},
                  .outputs = {},
                  .results = {},
                  .graph = graph_};
  const ValueId scalar = emitter.emit("Reshape", {condition, emitter.ints("scalar", {})});
  std::vector<ValueId> chosen;
  for (size_t i = 0; i < yes.size(); ++i) {
    const bool failed = yes[i] == kFailedValue || no[i] == kFailedValue;
    if (failed || !same_known_type(graph_, yes[i], no[i])) refuse_condition();
    chosen.push_back(emitter.emit("Where", {scalar, yes[i], no[i]}));
  }
  return chosen;
}

}  // namespace burnish
