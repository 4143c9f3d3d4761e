// Model-local functions, inlined at each call.
#include <algorithm>

#include "onnx/model_importer.h"

namespace burnish {
namespace {

std::string key_of(const NodeSite& site) {
  return site.domain + ":" + site.proto.op_type() + ":" + site.proto.overload();
}

/// What the body's attribute references mean: the call's attributes, defaults of the function behind them.
ProtoAttributes attributes_of_call(const onnx::FunctionProto& function, const NodeSite& site) {
  ProtoAttributes attributes = site.attributes;
  for (const auto& fallback : function.attribute_proto()) attributes.emplace(fallback.name(), &fallback);
  for (const std::string& name : function.attribute()) {
    check(attributes.contains(name), ErrorCode::kInvalidModel, "the function '{}' needs the attribute '{}'",
          function.name(), name);
  }
  return attributes;
}

}  // namespace

const onnx::FunctionProto* ModelImporter::find_function(const NodeSite& site) const {
  if (functions_.empty()) return nullptr;
  const auto found = functions_.find(key_of(site));
  return found == functions_.end() ? nullptr : found->second;
}

void ModelImporter::import_call(const onnx::FunctionProto& function, const NodeSite& site,
                                const std::vector<ValueId>& inputs, Scope& scope) {
  const std::string key = key_of(site);
  const bool is_active = std::find(active_functions_.begin(), active_functions_.end(), key) != active_functions_.end();
  check(!is_active, ErrorCode::kInvalidModel, "the function '{}' calls itself", function.name());
  check(static_cast<int>(inputs.size()) <= function.input_size() && site.proto.output_size() <= function.output_size(),
        ErrorCode::kInvalidModel, "the function '{}' has {} inputs and {} outputs; the call has {} and {}",
        function.name(), function.input_size(), function.output_size(), inputs.size(), site.proto.output_size());
  const Opsets opsets = to_opsets(function.opset_import());
  const ProtoAttributes attributes = attributes_of_call(function, site);
  Scope body{.opsets = &opsets, .caller = &attributes, .prefix = site.name + "/", .values = {}};
  for (int i = 0; i < function.input_size(); ++i) {
    bind(body, function.input(i), i < static_cast<int>(inputs.size()) ? inputs[static_cast<size_t>(i)] : kNoValue);
  }
  active_functions_.push_back(key);
  import_nodes(function.node(), body);
  active_functions_.pop_back();
  for (int i = 0; i < site.proto.output_size(); ++i) {
    if (site.proto.output(i).empty()) continue;
    const ValueId value = find_value(body, function.output(i)).value_or(kNoValue);
    check(value != kNoValue, ErrorCode::kInvalidModel, "no node of the function '{}' makes its output '{}'",
          function.name(), function.output(i));
    bind(scope, site.proto.output(i), value);
  }
}

}  // namespace burnish
