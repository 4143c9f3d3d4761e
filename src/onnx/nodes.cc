// One NodeProto after the other: names to values, operators to nodes.
#include <algorithm>

#include "onnx/model_importer.h"
#include "onnx/ordering.h"
#include "onnx/support.h"
#include "onnx/tensors.h"
#include "onnx/upgrade.h"

namespace burnish {

std::string NodeSite::label() const {
  return fmt::format("node '{}' ({}, {} {})", name, proto.op_type(), domain.empty() ? "ai.onnx" : domain, version);
}

void ModelImporter::import_nodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes, Scope& scope) {
  const NodeOrder order = order_nodes(nodes);
  if (!order.cycle.empty()) {
    std::string names;
    for (auto i = order.cycle.rbegin(); i != order.cycle.rend(); ++i) {
      const auto& node = nodes[*i];
      names += fmt::format("'{}' ({}) → ", scope.prefix + node.name(), node.op_type());
    }
    const auto& first = nodes[order.cycle.back()];
    problems_.add(ErrorCode::kInvalidModel, fmt::format("the nodes {}'{}' form a cycle. Export the model again", names,
                                                        scope.prefix + first.name()));
  }
  for (const int i : order.order) import_node(nodes[i], i, scope);
  if (order.cycle.empty()) return;
  for (const auto& node : nodes) bind_outputs_failed(node, scope);
}

void ModelImporter::import_node(const onnx::NodeProto& proto, int index, Scope& scope) {
  if (++num_nodes_ > options_.max_nodes) {
    throw_error(ErrorCode::kUnsupported, "the model has more than {} nodes once its functions are inlined",
                options_.max_nodes);
  }
  NodeSite site{proto, scope.prefix + proto.name(), canonical_domain(proto.domain()), 0, {}};
  if (proto.name().empty()) site.name += fmt::format("{}_{}", proto.op_type(), index);
  if (const auto opset = scope.opsets->find(site.domain); opset != scope.opsets->end()) site.version = opset->second;
  try {
    site.attributes = resolve_attributes(proto, *scope.caller);
    dispatch(site, find_inputs(site, scope), scope);
  } catch (const Error& error) {
    problems_.add(site.label(), error);
  }
  bind_outputs_failed(proto, scope);
}

void ModelImporter::dispatch(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope) {
  if (const auto* function = find_function(site)) return import_call(*function, site, inputs, scope);
  check_known(site);
  if (site.domain.empty() && site.proto.op_type() == "Constant") return import_constant(site, scope);
  const bool failed = std::find(inputs.begin(), inputs.end(), kFailedValue) != inputs.end();
  if (failed) return;  // the reason has been told where it arose
  const std::string& op = site.proto.op_type();
  if (site.domain == kPreviewDomain) return import_flex_attention(site, inputs, scope);
  if (site.domain.empty() && op == "If") return import_if(site, inputs, scope);
  if (site.domain.empty() && op == "Loop") return import_loop(site, inputs, scope);
  if (site.domain.empty() && op == "Scan") return import_scan(site, inputs, scope);
  import_operator(site, inputs, scope);
}

std::vector<ValueId> ModelImporter::find_inputs(const NodeSite& site, const Scope& scope) {
  std::vector<ValueId> inputs;
  for (const std::string& name : site.proto.input()) {
    const auto value = name.empty() ? std::optional(kNoValue) : find_value(scope, name);
    inputs.push_back(value.value_or(kFailedValue));
    if (value) continue;
    problems_.add(ErrorCode::kInvalidModel,
                  fmt::format("{}: no input, initializer or node makes its input '{}'", site.label(), name));
  }
  return inputs;
}

void ModelImporter::check_known(const NodeSite& site) const {
  const std::string& op = site.proto.op_type();
  const std::string domain = site.domain.empty() ? "ai.onnx" : site.domain;
  if (const auto reason = unsupported_reason(site.domain, op)) {
    throw Error(ErrorCode::kUnsupported, reason->why).with_hint(reason->what_to_do);
  }
  const bool too_old =
      site.domain.empty() && site.version > 0 && site.version < kOldestOpset && !is_unchanged(op, site.version);
  if (too_old) {
    throw Error(ErrorCode::kUnsupported, fmt::format("opset {} is too old for it", site.version))
        .with_hint(fmt::format("Convert the model to opset {} to {}", kOldestOpset, kNewestOpset));
  }
  if (site.version != 0) return;
  throw Error(ErrorCode::kInvalidModel, fmt::format("the model does not import the operator set {}", domain))
      .with_hint(fmt::format("Add {} to its opset_import", domain));
}

void ModelImporter::import_operator(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope) {
  OldNode node{.op = site.proto.op_type(),
               .name = site.name,
               .version = site.version,
               .attrs = to_attributes(site.attributes, &external_),
               .inputs = inputs,
               .outputs = {},
               .results = {},
               .graph = graph_};
  for (const std::string& name : site.proto.output()) {
    node.outputs.push_back(name.empty() ? "" : scope.prefix + name);
  }
  while (!node.outputs.empty() && node.outputs.back().empty()) node.outputs.pop_back();
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
  upgrade(site.domain, node);
  if (node.results.empty()) node.finish();
  for (size_t i = 0; i < node.results.size() && i < static_cast<size_t>(site.proto.output_size()); ++i) {
    const std::string& name = site.proto.output(static_cast<int>(i));
    if (!name.empty()) bind(scope, name, node.results[i]);
  }
}

void ModelImporter::import_constant(const NodeSite& site, Scope& scope) {
  check(site.attributes.size() == 1 && site.proto.output_size() == 1, ErrorCode::kInvalidModel,
        "a Constant has one attribute and one output; this one has {} and {}", site.attributes.size(),
        site.proto.output_size());
  const auto& [name, proto] = *site.attributes.begin();
  auto known = constants_.find(proto);
  if (known == constants_.end()) {
    known = constants_.emplace(proto, constant_of(name, *proto, &external_)).first;
  }
  const std::string& output = site.proto.output(0);
  bind(scope, output, graph_.add_constant(scope.prefix + output, known->second));
}

void ModelImporter::bind(Scope& scope, const std::string& name, ValueId value) {
  check(scope.values.emplace(name, value).second, ErrorCode::kInvalidModel,
        "the name '{}' is made twice; ONNX wants one maker for each name", name);
}

void ModelImporter::bind_outputs_failed(const onnx::NodeProto& proto, Scope& scope) {
  for (const std::string& name : proto.output()) {
    if (!name.empty()) scope.values.emplace(name, kFailedValue);
  }
}

}  // namespace burnish
