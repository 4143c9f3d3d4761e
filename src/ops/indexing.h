#pragma once
// Operators that read or write at indices: Gather, GatherElements, GatherND, ScatterElements, ScatterND,
// TensorScatter, NonZero, Unique, TfIdfVectorizer.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> indexing_ops();

// See gather.cc, scatter.cc, unique.cc and tf_idf.cc.
void infer_gather(InferContext& c);
void evaluate_gather(EvalContext& c);
void infer_gather_elements(InferContext& c);
void evaluate_gather_elements(EvalContext& c);
void infer_gather_nd(InferContext& c);
void evaluate_gather_nd(EvalContext& c);
void infer_scatter_elements(InferContext& c);
void evaluate_scatter_elements(EvalContext& c);
void infer_scatter_nd(InferContext& c);
void evaluate_scatter_nd(EvalContext& c);
void infer_tensor_scatter(InferContext& c);
void evaluate_tensor_scatter(EvalContext& c);
void infer_non_zero(InferContext& c);
void evaluate_non_zero(EvalContext& c);
void infer_unique(InferContext& c);
void evaluate_unique(EvalContext& c);
void infer_tf_idf(InferContext& c);
void evaluate_tf_idf(EvalContext& c);

/// Maps an index in [-size, size) to [0, size). Throws kInvalidArgument otherwise.
inline int64_t checked_index(int64_t index, int64_t size) {
  check(index >= -size && index < size, ErrorCode::kInvalidArgument, "index {} is outside [{}, {}]", index, -size,
        size - 1);
  return index < 0 ? index + size : index;
}

}  // namespace burnish
