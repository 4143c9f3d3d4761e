// If with a condition that is known: the chosen branch takes the node's place.
#include "onnx/model_importer.h"

namespace burnish {
namespace {

const onnx::GraphProto& branch_of(const NodeSite& site, const char* name) {
  const auto found = site.attributes.find(name);
  check(found != site.attributes.end() && found->second->has_g(), ErrorCode::kInvalidModel,
        "the attribute '{}' with its graph is missing", name);
  return found->second->g();
}

bool known_condition(const Graph& graph, ValueId condition) {
  const auto value = condition == kNoValue ? std::nullopt : try_evaluate(graph, condition);
  if (!value) {
    throw Error(ErrorCode::kUnsupported, "its condition depends on the model's inputs")
        .with_hint(
            "Export the model with this branch decided (fixed shapes or constant flags), or rewrite it with Where");
  }
  check(value->dtype() == DType::kBool && value->num_elements() == 1, ErrorCode::kInvalidModel,
        "its condition is {}{}, not one bool", name_of(value->dtype()), to_string(value->shape()));
  return *value->as<uint8_t>() != 0;
}

}  // namespace

void ModelImporter::import_if(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope) {
  const auto& then_branch = branch_of(site, "then_branch");
  const auto& else_branch = branch_of(site, "else_branch");
  const auto& branch = known_condition(graph_, inputs.empty() ? kNoValue : inputs[0]) ? then_branch : else_branch;
  check(branch.output_size() == site.proto.output_size(), ErrorCode::kInvalidModel,
        "it has {} outputs, but the branch that is taken has {}", site.proto.output_size(), branch.output_size());
  Scope inner{
      .parent = &scope, .opsets = scope.opsets, .caller = scope.caller, .prefix = site.name + "/", .values = {}};
  import_initializers(branch, inner);
  import_nodes(branch.node(), inner);
  for (int i = 0; i < branch.output_size(); ++i) {
    const ValueId value = find_value(inner, branch.output(i).name()).value_or(kNoValue);
    check(value != kNoValue, ErrorCode::kInvalidModel, "no node of the branch makes its output '{}'",
          branch.output(i).name());
    if (!site.proto.output(i).empty()) bind(scope, site.proto.output(i), value);
  }
}

}  // namespace burnish
