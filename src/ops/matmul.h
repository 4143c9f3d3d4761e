#pragma once
// Products of matrices: MatMul, Gemm, MatMulInteger, QLinearMatMul.
#include <span>

#include "ops/gemm.h"
#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> matmul_ops();

/// NumPy's rule for stacks of matrices and for vectors. Throws kInvalidModel when the inner dims clash.
SymShape matmul_shape(const SymShape& a, const SymShape& b);
/// y = a · b with batch dims broadcast; y has the shape that matmul_shape() gives. T: float, double or uint64_t.
template <typename T>
void multiply_stacks(const Shape& a_shape, const T* a, const Shape& b_shape, const T* b, T* y);

}  // namespace burnish
