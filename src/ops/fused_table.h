#pragma once
// Burnish's own operators, described in ops/fused.h: FusedConv, FusedMatMul, their joined forms, FusedAttention,
// Pointwise.
#include <span>

#include "ops/fused.h"

namespace burnish {

std::span<const OpDescriptor> fused_ops();

void infer_fused_conv(InferContext& c);
void evaluate_fused_conv(EvalContext& c);
void infer_fused_matmul(InferContext& c);
void evaluate_fused_matmul(EvalContext& c);
void infer_joined_conv(InferContext& c);
void evaluate_joined_conv(EvalContext& c);
void infer_joined_matmul(InferContext& c);
void evaluate_joined_matmul(EvalContext& c);
void infer_fused_attention(InferContext& c);
void evaluate_fused_attention(EvalContext& c);
void infer_pointwise(InferContext& c);
void evaluate_pointwise(EvalContext& c);

/// Of FusedConv and FusedMatMul: throws kInvalidModel unless X, W and R are encodable, bias and weight scales FLOAT.
void require_product_types(const InferContext& c);
/// Checks activation and residual attributes, and the residual input against the output's shape.
void check_epilogue(const InferContext& c, int residual, const std::optional<SymShape>& output);
/// y = act(y [+ r]) [+ r] over all elements; r may be null.
void apply_epilogue(const AttributeMap& attrs, const float* residual, int64_t num_elements, float* y);

}  // namespace burnish
