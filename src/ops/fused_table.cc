#include "ops/fused_table.h"

#include "ops/infer.h"

namespace burnish {

void require_product_types(const InferContext& c) {
  require_encodable(c, 0, kFusedWeights);
  require_encodable(c, kFusedResidual, kFusedResidual);
  for (int i : {kFusedBias, kFusedWeightScales}) {
    check(!c.has_input(i) || c.dtype(i) == DType::kFloat32, ErrorCode::kInvalidModel,
          "input {} must be float32, not {}", i, name_of(c.dtype(i)));
  }
  for (int i = 0; i <= kFusedResidual; ++i) input_encoding(c.attrs(), i, c.dtype(i));
}

void check_epilogue(const InferContext& c, int residual, const std::optional<SymShape>& output) {
  activation_of(c.attrs());
  const bool named = residual_of(c.attrs()) != Residual::kNone;
  check(named == c.has_input(residual), ErrorCode::kInvalidModel,
        "the attribute residual and the residual input must come together");
  if (!output || !c.has_shape(residual)) return;
  require_rank(c, residual, static_cast<int>(output->size()));
  for (size_t i = 0; i < output->size(); ++i)
    require_equal(c.shape(residual)[i], (*output)[i], "the residual must have the output's shape");
}

void apply_epilogue(const AttributeMap& attrs, const float* residual, int64_t num_elements, float* y) {
  const Activation activation = activation_of(attrs);
  const Residual kind = residual != nullptr ? residual_of(attrs) : Residual::kNone;
  for (int64_t i = 0; i < num_elements; ++i) {
    const float before = kind == Residual::kBefore ? y[i] + residual[i] : y[i];
    const float after = apply(activation, before);
    y[i] = kind == Residual::kAfter ? after + residual[i] : after;
  }
}

namespace {

constexpr OpDescriptor kOps[] = {
    {kFusedConv, 2, 5, 1, 1, infer_fused_conv, evaluate_fused_conv},
    {kFusedMatMul, 2, 5, 1, 1, infer_fused_matmul, evaluate_fused_matmul},
    {kJoinedConv, 2, 3, 2, kMaxParts, infer_joined_conv, evaluate_joined_conv},
    {kJoinedMatMul, 2, 3, 2, kMaxParts, infer_joined_matmul, evaluate_joined_matmul},
    {kFusedAttention, 1, 4, 1, 1, infer_fused_attention, evaluate_fused_attention},
    {kPointwise, 1, -1, 1, 1, infer_pointwise, evaluate_pointwise, kElementwise},
};

}  // namespace

std::span<const OpDescriptor> fused_ops() {
  return kOps;
}

}  // namespace burnish
