#pragma once
// Normalisations: BatchNormalization, InstanceNormalization, GroupNormalization, LayerNormalization,
// RMSNormalization, LRN, MeanVarianceNormalization.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> normalization_ops();

// See layer_norm.cc.
void infer_layer_norm(InferContext& c);
void evaluate_layer_norm(EvalContext& c);
void infer_rms_norm(InferContext& c);
void evaluate_rms_norm(EvalContext& c);

/// Mean and variance (of the population) of values that stand `stride` apart.
struct Moments {
  double mean = 0;
  double variance = 0;
};
template <typename T>
Moments moments_of(const T* x, int64_t count, int64_t stride = 1) {
  Moments m;
  if (count == 0) return m;
  for (int64_t i = 0; i < count; ++i) m.mean += static_cast<double>(x[i * stride]);
  m.mean /= static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) {
    const double d = static_cast<double>(x[i * stride]) - m.mean;
    m.variance += d * d;
  }
  m.variance /= static_cast<double>(count);
  return m;
}

}  // namespace burnish
