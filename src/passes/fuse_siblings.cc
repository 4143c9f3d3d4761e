// Convolutions and matrix products of one tensor that are alike but for their weights become one with several results:
// one launch instead of two to four, the tensor read once, and a grid that fills more of the GPU. Compiling takes apart
// again what is not faster so (compile/siblings.h).
#include <algorithm>
#include <cstring>

#include "ops/fused.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

bool is_real(DType dtype) {
  return is_encodable(dtype) && !Encoding{dtype}.is_integer();
}

/// As the kernels for several results want it: channels last, no groups.
bool fits_conv(const Node& n, const Tensor& weights) {
  const int rank = weights.shape().rank();
  return (rank == 3 || rank == 4) && n.attrs.get_int("group", 1) == 1 && is_nhwc(n.attrs, "input_layout") &&
         is_nhwc(n.attrs, "output_layout");
}

bool fits_matmul(const Node& n, const Tensor& weights) {
  return weights.shape().rank() == 2 && n.attrs.get_int("transA", 0) == 0;
}

bool is_candidate(const Graph& graph, const Node& n) {
  if (n.op != kFusedConv && n.op != kFusedMatMul) return false;
  if (n.input(kFusedResidual) != kNoValue || n.input(kFusedWeightScales) != kNoValue) return false;
  const Value& weights = graph.value(n.input(kFusedWeights));
  const ValueId bias = n.input(kFusedBias);
  if (!weights.is_constant() || (bias != kNoValue && !graph.value(bias).is_constant())) return false;
  if (!is_real(graph.value(n.input(0)).type.dtype) || !is_real(weights.constant.dtype())) return false;
  return n.op == kFusedConv ? fits_conv(n, weights.constant) : fits_matmul(n, weights.constant);
}

AttributeMap shared_attributes(const Node& n) {
  AttributeMap attrs = n.attrs;
  attrs.erase("transB");
  return attrs;
}

bool are_siblings(const Graph& graph, const Node& a, const Node& b) {
  if (a.op != b.op || a.input(0) != b.input(0) || !(shared_attributes(a) == shared_attributes(b))) return false;
  const Tensor &v = graph.value(a.input(kFusedWeights)).constant, &w = graph.value(b.input(kFusedWeights)).constant;
  const auto behind_channels = [](const Tensor& t) { return t.shape().dims().subspan(1); };
  return v.dtype() == w.dtype() && (a.op == kFusedMatMul || std::ranges::equal(behind_channels(v), behind_channels(w)));
}

/// Output channels, or columns, first.
Tensor weights_of(const Graph& graph, const Node& n) {
  const Tensor& w = graph.value(n.input(kFusedWeights)).constant;
  return n.op == kFusedConv || n.attrs.get_int("transB", 0) != 0 ? w : transposed_constant(w, {1, 0});
}

Tensor bias_of(const Graph& graph, const Node& n, int64_t columns) {
  if (n.input(kFusedBias) != kNoValue) return graph.value(n.input(kFusedBias)).constant;
  Tensor zeros(DType::kFloat32, {columns});
  std::memset(zeros.data(), 0, zeros.num_bytes());
  return zeros;
}

/// One behind the other along the first dimension.
Tensor stacked(const std::vector<Tensor>& tensors) {
  Shape shape = tensors.front().shape();
  shape[0] = 0;
  for (const Tensor& t : tensors) shape[0] += t.shape()[0];
  Tensor all(tensors.front().dtype(), shape);
  auto* to = all.as<std::byte>();
  for (const Tensor& t : tensors) {
    std::memcpy(to, t.data(), t.num_bytes());
    to += t.num_bytes();
  }
  return all;
}

void join(Graph& graph, std::span<const NodeId> siblings) {
  std::vector<Tensor> weights, biases;
  std::vector<int64_t> parts;
  std::vector<std::string> names;
  bool is_biased = false;
  for (const NodeId id : siblings) {
    const Node& n = graph.node(id);
    weights.push_back(weights_of(graph, n));
    parts.push_back(weights.back().shape()[0]);
    biases.push_back(bias_of(graph, n, parts.back()));
    names.push_back(n.name);
    is_biased = is_biased || n.input(kFusedBias) != kNoValue;
  }
  const Node first = graph.node(siblings.front());
  const std::string base = graph.value(first.output()).name;
  std::vector<ValueId> inputs = {first.input(0), graph.add_constant(base + "_joined_weights", stacked(weights))};
  if (is_biased) inputs.push_back(graph.add_constant(base + "_joined_bias", stacked(biases)));
  AttributeMap attrs = shared_attributes(first);
  if (first.op == kFusedMatMul) attrs.set("transB", int64_t{1});
  attrs.set(std::string(kParts), parts);
  const NodeId joined = graph.add_node(std::string(first.op == kFusedConv ? kJoinedConv : kJoinedMatMul),
                                       join_names(names), std::move(inputs), std::move(attrs), {});
  for (const NodeId id : siblings) graph.move_output(graph.node(id).output(), joined);
  graph.remove_dead_nodes();
  graph.infer_node(joined);
}

/// In groups of nearly equal size, as many as a kernel has results for.
void join_groups(Graph& graph, const std::vector<NodeId>& siblings, const PassContext& context) {
  const size_t groups = (siblings.size() + kMaxParts - 1) / kMaxParts;
  for (size_t g = 0; g < groups; ++g) {
    const size_t begin = siblings.size() * g / groups, end = siblings.size() * (g + 1) / groups;
    context.count(fmt::format("sibling {}", graph.node(siblings[begin]).op), static_cast<int>(end - begin));
    join(graph, std::span(siblings).subspan(begin, end - begin));
  }
}

}  // namespace

bool fuse_siblings(Graph& graph, const PassContext& context) {
  if (!context.several_results) return false;
  std::vector<std::vector<NodeId>> families;
  for (const NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    if (!is_candidate(graph, n)) continue;
    const auto family = std::ranges::find_if(
        families, [&](const auto& members) { return are_siblings(graph, graph.node(members.front()), n); });
    if (family == families.end()) {
      families.push_back({id});
    } else {
      family->push_back(id);
    }
  }
  std::erase_if(families, [](const auto& members) { return members.size() < 2; });
  for (const auto& members : families) join_groups(graph, members, context);
  return !families.empty();
}

}  // namespace burnish
