// JoinedConv and JoinedMatMul: what their siblings compute, each with its part of the weights.
#include <algorithm>
#include <limits>
#include <numeric>

#include "ops/fused_table.h"
#include "ops/infer.h"

namespace burnish {
namespace {

using Infer = void (*)(InferContext&);
using Evaluate = void (*)(EvalContext&);

std::vector<int64_t> parts_of(const AttributeMap& attrs, int num_outputs) {
  std::vector<int64_t> parts = attrs.get_ints(kParts);
  const bool sensible = std::ranges::all_of(
      parts, [](int64_t columns) { return columns > 0 && columns <= std::numeric_limits<int32_t>::max(); });
  check(sensible && static_cast<int>(parts.size()) == num_outputs, ErrorCode::kInvalidModel,
        "attribute {} must name a positive count of columns for each of {} outputs", kParts, num_outputs);
  return parts;
}

/// What the single operator says of the whole, `axis` of which is shared out among the outputs.
void infer_parts(InferContext& c, Infer infer, bool columns_last) {
  const std::vector<int64_t> parts = parts_of(c.attrs(), c.num_outputs());
  std::vector<TypeInfo> types;
  for (int i = 0; i < c.num_inputs(); ++i) {
    types.push_back({c.dtype(i), c.has_shape(i) ? std::optional(c.shape(i)) : std::nullopt});
  }
  const std::vector<ValueInfo> values(types.size());
  InferContext whole(c.attrs(), types, values, 1, c.origin());
  infer(whole);
  auto [dtype, shape] = whole.outputs()[0];
  const size_t axis = shape && columns_last ? shape->size() - 1 : 1;
  const int64_t columns = std::accumulate(parts.begin(), parts.end(), int64_t{0});
  if (shape) require_equal((*shape)[axis], columns, "parts against all columns");
  for (size_t i = 0; i < parts.size(); ++i) {
    if (shape) (*shape)[axis] = parts[i];
    c.set_output(static_cast<int>(i), dtype, shape);
  }
}

TensorView rows_of(const TensorView& all, int64_t begin, int64_t count) {
  TensorView rows = all;
  rows.shape[0] = count;
  const size_t row_bytes = all.num_bytes() / static_cast<size_t>(all.shape[0]);
  rows.data = all.as<std::byte>() + static_cast<size_t>(begin) * row_bytes;
  return rows;
}

void evaluate_parts(EvalContext& c, Evaluate evaluate) {
  int64_t begin = 0;
  for (int i = 0; i < c.num_outputs(); ++i) {
    const TensorView y = c.output(i);
    const int64_t count = c.attrs().get_ints(kParts)[static_cast<size_t>(i)];
    std::vector<TensorView> inputs = {c.input(0), rows_of(c.input(kFusedWeights), begin, count)};
    if (c.has_input(kFusedBias)) inputs.push_back(rows_of(c.input(kFusedBias), begin, count));
    Tensor part[1] = {Tensor(y.dtype, y.shape)};
    EvalContext single(c.attrs(), inputs, part);
    evaluate(single);
    std::memcpy(y.data, part[0].data(), y.num_bytes());
    begin += count;
  }
}

}  // namespace

void infer_joined_conv(InferContext& c) {
  check(c.attrs().get_int("group", 1) == 1, ErrorCode::kInvalidModel, "JoinedConv takes no groups");
  infer_parts(c, infer_fused_conv, is_nhwc(c.attrs(), "output_layout"));
}

void infer_joined_matmul(InferContext& c) {
  const bool by_rows = c.attrs().get_int("transA", 0) == 0 && c.attrs().get_int("transB", 0) != 0;
  check(by_rows, ErrorCode::kInvalidModel, "JoinedMatMul takes A as it is and W as [columns, K], with transB=1");
  require_rank(c, kFusedWeights, 2);
  infer_parts(c, infer_fused_matmul, true);
}

void evaluate_joined_conv(EvalContext& c) {
  evaluate_parts(c, evaluate_fused_conv);
}

void evaluate_joined_matmul(EvalContext& c) {
  evaluate_parts(c, evaluate_fused_matmul);
}

}  // namespace burnish
