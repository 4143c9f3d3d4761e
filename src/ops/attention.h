#pragma once
// Attention: Attention, FlexAttention (without modifier subgraphs), RotaryEmbedding, LinearAttention.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> attention_ops();

// See attention_reference.cc, rotary_embedding.cc and linear_attention.cc.
void infer_attention(InferContext& c);
void evaluate_attention(EvalContext& c);
void infer_flex_attention(InferContext& c);
void evaluate_flex_attention(EvalContext& c);
void infer_rotary_embedding(InferContext& c);
void evaluate_rotary_embedding(EvalContext& c);
void infer_linear_attention(InferContext& c);
void evaluate_linear_attention(EvalContext& c);

/// A positive attribute that counts heads. Throws naming it.
int64_t head_count(const AttributeMap& attrs, std::string_view name);
/// columns / heads. Throws when it does not divide.
Dim columns_per_head(const Dim& columns, int64_t heads);

}  // namespace burnish
