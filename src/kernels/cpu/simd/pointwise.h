#pragma once
// The interpreter of pointwise programs over blocks of floats that stay in the first cache.
#include <stdint.h>

namespace burnish {

enum class PointwiseFn : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kPow,
  kMin,
  kMax,
  kNeg,
  kAbs,
  kSqrt,
  kExp,
  kLog,
  kReciprocal,
  kFloor,
  kCeil,
  kRound,
  kErf,
  kRelu,
  kClip,
  kLeakyRelu,
  kSigmoid,
  kTanh,
  kSilu,
  kGelu,
  kGeluTanh,
  kHardSwish,
  kHardSigmoid,
};

/// values[target] = fn(values[a], values[b]); b = a for functions of one operand. alpha and beta as in
/// ops/activation.h.
struct PointwiseOp {
  PointwiseFn fn;
  uint16_t a, b, target;
  float alpha, beta;
};

/// One float for the whole block, or one for each element.
struct PointwiseValue {
  float* data;
  bool uniform;
};

struct PointwiseKernels {
  /// Runs all instructions over blocks of n elements. The uniform flags of results must be set: where all operands are.
  void (*run)(const PointwiseOp* ops, int num_ops, const PointwiseValue* values, int64_t n);
};

namespace avx2 {
extern const PointwiseKernels kPointwise;
}
namespace avx512 {
extern const PointwiseKernels kPointwise;
}

}  // namespace burnish
