#include "compile/siblings.h"

#include <algorithm>

#include "ops/fused.h"

namespace burnish {
namespace {

/// Of narrow floats 16 bytes, which kernels write at once.
constexpr int64_t kWholeStore = 8;

/// Elements [begin, begin + count) of the first dimension, in the same memory.
Tensor rows_of(const Tensor& all, int64_t begin, int64_t count) {
  Shape shape = all.shape();
  shape[0] = count;
  const size_t row_bytes = all.num_bytes() / static_cast<size_t>(all.shape()[0]);
  return {all.dtype(), shape, std::make_shared<Tensor>(all),
          all.as<std::byte>() + static_cast<size_t>(begin) * row_bytes};
}

/// The joined node's constant input i for some of its columns; what is not constant never was joined by a pass.
ValueId part_of_input(Graph& graph, const Node& joined, int i, int64_t begin, int64_t count) {
  const Value& all = graph.value(joined.input(i));
  check(all.is_constant(), ErrorCode::kUnsupported, "input {} of {} is not constant", i, describe(joined));
  const std::string name = all.name;
  return graph.add_constant(name, rows_of(all.constant, begin, count));
}

void take_apart(Graph& graph, NodeId id) {
  const Node joined = graph.node(id);
  const std::vector<int64_t> parts = joined.attrs.get_ints(kParts);
  AttributeMap attrs = joined.attrs;
  attrs.erase(kParts);
  int64_t begin = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const ValueId y = joined.outputs[i];
    std::vector<ValueId> inputs = {joined.input(0)};
    for (int constant = kFusedWeights; constant < static_cast<int>(joined.inputs.size()); ++constant) {
      inputs.push_back(part_of_input(graph, joined, constant, begin, parts[i]));
    }
    begin += parts[i];
    if (y == kNoValue) continue;
    const NodeId part = graph.add_node(std::string(joined.op == kJoinedConv ? kFusedConv : kFusedMatMul),
                                       graph.value(y).name, std::move(inputs), attrs, {});
    graph.move_output(y, part);
    graph.infer_node(part);
  }
}

}  // namespace

bool is_joined(std::string_view op) {
  return op == kJoinedConv || op == kJoinedMatMul;
}

Graph taken_apart(const Graph& graph, const std::function<bool(const Node&)>& which) {
  Graph apart = graph;
  for (const NodeId id : graph.topological_order()) {
    if (is_joined(graph.node(id).op) && which(graph.node(id))) take_apart(apart, id);
  }
  apart.remove_dead_nodes();
  return apart;
}

bool pays(const StepOptions& joined, double parts_us) {
  const auto best = std::ranges::min_element(joined.candidates, {}, &Candidate::us);
  if (best == joined.candidates.end() || best->tactic->ops().empty()) return false;
  if (best->us > 0 && parts_us > 0) return best->us <= parts_us;
  return std::ranges::all_of(joined.problem->outputs,
                             [](const TensorDesc& y) { return y.shape.back() % kWholeStore == 0; });
}

}  // namespace burnish
