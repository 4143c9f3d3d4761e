// Evaluates nodes whose inputs are all constant with the reference evaluation.
//
// Results that are much larger than what they come from (ConstantOfShape, Expand, Tile, …) are left to run time, so
// that neither building nor the engine needs memory for them.
#include <algorithm>

#include "base/checked.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// A result may always take this many bytes, and beyond it at most twice what its inputs take.
constexpr int64_t kSmallBytes = int64_t{4} << 20;

bool is_foldable(const Graph& graph, const Node& node) {
  const OpDescriptor* op = find_op(node.op);
  if (op == nullptr || (op->traits & kRandom) != 0 || node.outputs.empty()) return false;
  return std::ranges::all_of(node.inputs, [&](ValueId v) { return v == kNoValue || graph.value(v).is_constant(); });
}

/// Weights that a model stores as integers: fuse_quantization folds what it finds no use for.
bool is_integer_weight(const Graph& graph, const Node& node) {
  const DType stored = node.op == "DequantizeLinear" ? graph.value(node.input(0)).type.dtype : DType::kUndefined;
  if ((stored != DType::kInt8 && stored != DType::kUInt8) || rank_of(graph, node.output()) < 2) return false;
  const auto feeds_product = [&](ValueId v, const auto& self) -> bool {
    return std::ranges::any_of(graph.users(v), [&](NodeId id) {
      const Node& user = graph.node(id);
      if (user.op == "Transpose") return self(user.output(), self);
      static constexpr std::string_view kProducts[] = {"Conv", "MatMul", "Gemm", "FusedConv", "FusedMatMul"};
      return user.input(1) == v && std::ranges::find(kProducts, user.op) != std::end(kProducts);
    });
  };
  return feeds_product(node.output(), feeds_product);
}

int64_t bytes_of(const TypeInfo& type) {
  const std::optional<Shape> shape = type.shape ? to_concrete(*type.shape) : std::nullopt;
  return shape ? checked_mul(shape->num_elements(), static_cast<int64_t>(size_of(type.dtype))) : 0;
}

bool is_small_enough(const Graph& graph, const Node& node) {
  int64_t in = 0;
  int64_t out = 0;
  for (ValueId v : node.inputs) in += v == kNoValue ? 0 : bytes_of(graph.value(v).type);
  for (ValueId v : node.outputs) out += v == kNoValue ? 0 : bytes_of(graph.value(v).type);
  return out <= kSmallBytes || out <= 2 * in;
}

bool fold(Graph& graph, NodeId id, const PassContext& context) {
  const Node& node = graph.node(id);
  std::vector<Tensor> inputs;
  for (ValueId v : node.inputs) inputs.push_back(v == kNoValue ? Tensor() : graph.value(v).constant);
  std::vector<Tensor> results;
  try {
    results = evaluate_op(*find_op(node.op), node.attrs, inputs, static_cast<int>(node.outputs.size()));
  } catch (const Error& e) {
    context.log(fmt::format("fold_constants leaves {}: {}", describe(node), e.message()));
    return false;
  }
  const std::vector<ValueId> outputs = node.outputs;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] != kNoValue) graph.set_constant(outputs[i], results[i]);
  }
  graph.remove_node(id);
  return true;
}

}  // namespace

bool fold_constants(Graph& graph, const PassContext& context) {
  bool changed = false;
  for (NodeId id : graph.topological_order()) {
    if (!is_foldable(graph, graph.node(id)) || is_integer_weight(graph, graph.node(id))) continue;
    graph.infer_node(id);
    if (is_small_enough(graph, graph.node(id))) changed = fold(graph, id, context) || changed;
  }
  return changed;
}

}  // namespace burnish
