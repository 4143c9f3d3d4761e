// ai.onnx.preview's FlexAttention, taken apart into plain operators with its modifier graphs in between.
#include <cmath>

#include "onnx/model_importer.h"
#include "onnx/upgrade.h"

namespace burnish {
namespace {

int64_t fixed_dim(const OldNode& node, size_t input, size_t axis) {
  const auto& shape = node.type(input).shape;
  check(shape && shape->size() == 4, ErrorCode::kInvalidModel, "its input {} does not have 4 dimensions", input);
  check((*shape)[axis].is_constant(), ErrorCode::kUnsupported, "dimension {} of its input {} is not fixed", axis,
        input);
  return (*shape)[axis].value();
}

AttributeMap one_int(const char* name, int64_t value) {
  AttributeMap attributes;
  attributes.set(name, value);
  return attributes;
}

/// Keys or values with each head repeated for the query heads that share it.
ValueId repeat_heads(OldNode& node, size_t input) {
  const int64_t query_heads = fixed_dim(node, 0, 1);
  const int64_t heads = fixed_dim(node, input, 1);
  if (heads == query_heads) return node.input(input);
  check(heads > 0 && query_heads % heads == 0, ErrorCode::kInvalidModel, "{} query heads cannot share {} heads",
        query_heads, heads);
  const ValueId column = node.emit("Unsqueeze", {node.input(input), node.ints("axes", {2})});
  const ValueId repeated = node.emit("Expand", {column, node.ints("repeats", {1, 1, query_heads / heads, 1, 1})});
  return node.emit("Reshape", {repeated, node.ints("heads", {0, query_heads, -1, fixed_dim(node, input, 3)})});
}

/// Element type of the softmax, as ONNX numbers it.
int64_t softmax_type(const OldNode& node) {
  const bool is_double = node.type(0).dtype == DType::kFloat64;
  return node.attrs.get_int("softmax_precision", is_double ? onnx::TensorProto::DOUBLE : onnx::TensorProto::FLOAT);
}

/// Scaled products of queries and keys; both are scaled by the root, so that FLOAT16 does not overflow.
ValueId scores_of(OldNode& node) {
  const auto head_size = static_cast<float>(fixed_dim(node, 0, 3));
  const float scale = node.attrs.get_float("scale", 1.0F / std::sqrt(head_size));
  check(scale >= 0, ErrorCode::kUnsupported, "its scale is negative");
  const ValueId root = node.scalar_like_input("scale", std::sqrt(scale));
  AttributeMap perm;
  perm.set("perm", std::vector<int64_t>{0, 1, 3, 2});
  const ValueId keys = node.emit("Mul", {repeat_heads(node, 1), root});
  return node.emit("MatMul", {node.emit("Mul", {node.input(0), root}), node.emit("Transpose", {keys}, perm)});
}

}  // namespace

void ModelImporter::import_flex_attention(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope) {
  check(inputs.size() == 3, ErrorCode::kInvalidModel, "it has {} inputs instead of 3", inputs.size());
  ProtoAttributes plain = site.attributes;
  plain.erase("score_mod");
  plain.erase("prob_mod");
  OldNode node{.op = "",
               .name = site.name,
               .version = 1,
               .attrs = to_attributes(plain, &external_),
               .inputs = inputs,
               .outputs = {},
               .results = {},
               .graph = graph_};
  const auto modified = [&](ValueId value, const char* modifier) {
    if (!site.attributes.contains(modifier)) return value;
    const auto made = inline_graph(body_of(site, modifier), {value}, site.name + "/" + modifier, scope);
    check(made.size() == 1 && made[0] != kFailedValue, ErrorCode::kInvalidModel, "its graph '{}' cannot be used",
          modifier);
    return made[0];
  };
  ValueId scores = node.emit("Cast", {scores_of(node)}, one_int("to", softmax_type(node)));
  scores = modified(scores, "score_mod");
  const ValueId probabilities = modified(node.emit("Softmax", {scores}, one_int("axis", -1)), "prob_mod");
  const ValueId values = repeat_heads(node, 2);
  const ValueId weights = node.emit("CastLike", {probabilities, values});
  bind_outputs(site, {node.emit("MatMul", {weights, values})}, scope);
}

}  // namespace burnish
