#include "runtime/step_cost.h"

#include <algorithm>

namespace burnish {
namespace {

double elements(const TensorDesc& desc) {
  double n = desc.present() ? 1 : 0;
  for (const int64_t d : desc.shape) n *= static_cast<double>(d);
  return n;
}

double dim(const TensorDesc& desc, int i) {
  const int at = i < 0 ? desc.shape.rank() + i : i;
  return at >= 0 && at < desc.shape.rank() ? static_cast<double>(desc.shape[at]) : 1;
}

// Joined products have several.
double all_outputs(const Problem& p) {
  double n = 0;
  for (const TensorDesc& desc : p.outputs) n += elements(desc);
  return n;
}

// W [O, I/group, kernel…]: every output element sums I/group · |kernel| products, whatever the layout.
double conv_flops(const Problem& p) {
  const double outputs = dim(p.inputs[1], 0);
  return outputs > 0 ? 2 * all_outputs(p) * elements(p.inputs[1]) / outputs : 0;
}

// W [I, O/group, kernel…]: every input element is spread over O/group · |kernel| outputs.
double conv_transpose_flops(const Problem& p) {
  const double inputs = dim(p.inputs[1], 0);
  return inputs > 0 ? 2 * elements(p.inputs[0]) * elements(p.inputs[1]) / inputs : 0;
}

double product_flops(const Problem& p) {
  const bool transposed = p.attrs->get_int("transA", 0) != 0;
  return 2 * all_outputs(p) * dim(p.inputs[0], transposed ? -2 : -1);
}

// Q [B, S, H·D], K [B, T, H·D], V [B, T, H·E]: Q·Kᵀ and its product with V.
double attention_flops(const Problem& p) {
  const double queries = dim(p.inputs[0], 0) * dim(p.inputs[0], 1);
  if (p.attrs->get_int("packed_qkv", 0) != 0) {
    return 4 * queries * dim(p.inputs[0], 1) * dim(p.inputs[0], 2) / 3;
  }
  if (!p.has_input(1) || !p.has_input(2)) return 0;
  return 2 * queries * dim(p.inputs[1], 1) * (dim(p.inputs[1], 2) + dim(p.inputs[2], 2));
}

struct Formula {
  std::string_view op;
  double (*flops)(const Problem&);
};
constexpr Formula kFormulas[] = {
    {"FusedConv", conv_flops},
    {"Conv", conv_flops},
    {"JoinedConv", conv_flops},
    {"FusedMatMul", product_flops},
    {"JoinedMatMul", product_flops},
    {"MatMul", product_flops},
    {"Gemm", product_flops},
    {"FusedAttention", attention_flops},
    {"ConvTranspose", conv_transpose_flops},
};

// Of these, an execution reads only as much of input 0 as it writes.
bool picks_elements(std::string_view op) {
  return op == "Gather" || op == "GatherElements" || op == "GatherND" || op == "Slice";
}

double bytes_of(const TensorDesc& desc) {
  return elements(desc) * static_cast<double>(size_of(desc.dtype));
}

}  // namespace

StepCost step_cost(const Problem& problem) {
  StepCost cost;
  for (const Formula& f : kFormulas) {
    if (f.op == problem.op) cost.flops = f.flops(problem);
  }
  for (const auto* list : {&problem.inputs, &problem.outputs}) {
    for (const TensorDesc& desc : *list) cost.bytes += bytes_of(desc);
  }
  if (picks_elements(problem.op)) {
    cost.bytes += std::min(0.0, bytes_of(problem.outputs[0]) - bytes_of(problem.inputs[0]));
  }
  return cost;
}

}  // namespace burnish
