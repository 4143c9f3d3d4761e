#pragma once
// Poolings: MaxPool, AveragePool, LpPool, GlobalAveragePool, GlobalMaxPool, GlobalLpPool, MaxUnpool, MaxRoiPool,
// RoiAlign. The first five take layout="NHWC" (ops/fused.h).
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> pooling_ops();

// See unpool.cc and roi.cc.
void infer_max_unpool(InferContext& c);
void evaluate_max_unpool(EvalContext& c);
void infer_max_roi_pool(InferContext& c);
void evaluate_max_roi_pool(EvalContext& c);
void infer_roi_align(InferContext& c);
void evaluate_roi_align(EvalContext& c);

}  // namespace burnish
