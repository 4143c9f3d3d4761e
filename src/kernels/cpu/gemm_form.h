#pragma once
// What the product tactics read from a FusedMatMul, MatMul or Gemm problem.
#include "kernels/cpu/product_epilogue.h"

namespace burnish {

/// What a problem of any of the three operators comes down to.
struct GemmForm {
  int64_t m = 0, k = 0, n = 0;  // of one batch; all batches in m when the weights are shared
  bool trans_b = false;
  bool shared_b = false;  // one right-hand side for all batches
  EpilogueForm epilogue;
};

/// False when the problem is none of theirs.
bool read_gemm_form(const Problem& problem, GemmForm& form);

/// Whether W is constant and shared, so that pack() can absorb it.
bool packs_gemm_weights(const Problem& problem, const GemmForm& form);

}  // namespace burnish
