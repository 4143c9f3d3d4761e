#pragma once
// What cuBLASLt can run of our products: Y = act(alpha·A·W + bias + R).
#include "kernels/cuda/cublaslt.h"
#include "kernels/tactic.h"

namespace burnish::cuda {

/// A product of row-major matrices. Sizes and distances in elements.
struct LtProduct {
  int64_t m = 0, n = 0, k = 0, batch = 1;
  bool trans_w = false;  ///< W is stored [n, k].
  DType type = DType::kFloat32, y_type = DType::kFloat32;
  int64_t a_row = 0, w_row = 0, y_row = 0, r_row = 0;
  int64_t a_step = 0, w_step = 0, y_step = 0, r_step = 0;  ///< From matrix to matrix of the batch; 0: one for all.
  float alpha = 1, bias_scale = 1;
  int bias = 0, residual = 0;  ///< Inputs; 0: none.
  int compute = lt::kCompute32F, epilogue = lt::kEpilogueDefault;
};

/// FusedMatMul, MatMul, Gemm, and FusedConv over NHWC pixels whose kernel is 1×1. False for what cuBLASLt cannot run in
/// one call: operands of different types, biases that are no constants, activations other than ReLU and GELU's tanh
/// form (which is up to 4.7e-4 off GELU: more than FLOAT16 rounds there), batches that broadcast partly.
bool read_lt_product(const Problem& problem, LtProduct& product);

/// The bias in Y's type, which is what the library adds.
PackedBlob pack_lt_bias(const Problem& problem, const LtProduct& product);

/// The product as the library sees it: everything transposed, since its matrices are column-major.
struct LtDescriptors {
  lt::Descriptor operation, w, a, r, y;
  /// bias: on the GPU; only its alignment matters while algorithms are asked for.
  LtDescriptors(const LtProduct& product, const void* bias);
};

}  // namespace burnish::cuda
