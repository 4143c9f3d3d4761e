#pragma once
// FusedConv and FusedMatMul problems over tensors that are stored as narrow floats or integers.
#include "kernels/problem_set.h"
#include "ops/fused.h"

namespace burnish::testing {

/// Scales are powers of two unless a test says otherwise: then every number on the way is exact in single precision.
struct EncodedCase {
  Encoding x{DType::kUInt8, 0.125F, 117};
  Encoding w{DType::kInt8, 0.25F, 0};
  Encoding r{DType::kUInt8, 8, 31};
  Encoding y{DType::kUInt8, 16, 101};
  bool weight_scales = true;
};

/// Elements over all of a type's range.
inline Tensor random_encoded(const Encoding& e, const Shape& shape, uint64_t seed) {
  if (!e.is_integer()) return random_tensor(e.dtype, shape, seed);
  const IntegerRange range = integer_range(e.dtype);
  return random_tensor(e.dtype, shape, seed, static_cast<float>(range.low), static_cast<float>(range.high));
}

/// A problem over floats (make_conv, …) with X, W, R and Y stored as told, and biases of a size to be seen.
inline ProblemCase encode_case(ProblemCase p, const EncodedCase& c) {
  const bool residual = p.inputs.size() > kFusedResidual && p.inputs[kFusedResidual].defined();
  p.inputs.resize(5);
  p.constant.resize(5, false);
  const Encoding encodings[] = {c.x, c.w, {}, c.r};
  for (const int i : {0, kFusedWeights, kFusedResidual}) {
    Tensor& t = p.inputs[static_cast<size_t>(i)];
    if (!t.defined()) continue;
    t = random_encoded(encodings[i], t.shape(), static_cast<uint64_t>(i) + 11);
    set_input_encoding(p.attrs, i, 5, encodings[i]);
  }
  // As many columns as the bias is long, or as Y's last dimension.
  const Shape& w = p.inputs[kFusedWeights].shape();
  const bool by_row = p.op == kFusedConv || p.attrs.get_int("transB", 0) != 0;
  const int64_t columns = by_row ? w[p.op == kFusedConv ? 0 : w.rank() - 2] : w.back();
  if (p.inputs[kFusedBias].defined()) {
    Tensor& bias = p.inputs[kFusedBias];
    for (int64_t i = 0; i < columns; ++i) {
      bias.as<float>()[i] = std::floor(bias.as<float>()[i] * 16) * (c.y.is_integer() ? 8.0F : 0.125F);
    }
  }
  if (c.weight_scales) {
    Tensor& scales = p.inputs[kFusedWeightScales] = Tensor(DType::kFloat32, {columns});
    for (int64_t i = 0; i < columns; ++i) scales.as<float>()[i] = std::ldexp(1.0F, static_cast<int>(i % 3) - 2);
    p.constant[kFusedWeightScales] = true;
  }
  set_output_encoding(p.attrs, c.y);
  if (!residual) p.inputs[kFusedResidual] = Tensor{};
  return p;
}

}  // namespace burnish::testing
