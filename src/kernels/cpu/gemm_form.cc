#include "kernels/cpu/gemm_form.h"

#include "ops/fused.h"

namespace burnish {
namespace {

constexpr int kBias = 2;
constexpr int kResidual = 3;

int64_t dim_from_back(const TensorDesc& desc, int i) {
  return desc.shape[desc.shape.rank() - 1 - i];
}

/// Gemm's C, of any shape that broadcasts to [M, N]: per column or per element. False for a column vector.
bool read_gemm_addend(const Problem& problem, GemmForm& form) {
  EpilogueForm& e = form.epilogue;
  e.bias_scale = problem.attrs->get_float("beta", 1);
  if (!problem.has_input(kBias)) return true;
  const Shape& shape = problem.inputs[kBias].shape;
  const int64_t elements = shape.num_elements();
  const bool one_row = shape.rank() <= 1 || shape[0] == 1;
  if (one_row && (elements == form.n || elements == 1)) {
    e.bias = kBias;
    return true;
  }
  if (e.bias_scale != 1 || shape.rank() != 2 || elements != form.m * form.n) return false;
  e.residual = kBias;
  return true;
}

bool read_fused_addends(const Problem& problem, GemmForm& form) {
  if (problem.has_input(kBias)) form.epilogue.bias = kBias;
  const Residual residual = residual_of(*problem.attrs);
  if (!problem.has_input(kResidual) || residual == Residual::kNone) return true;
  form.epilogue.residual = kResidual;
  form.epilogue.residual_after = residual == Residual::kAfter;
  return true;
}

}  // namespace

bool read_gemm_form(const Problem& problem, GemmForm& form) {
  const AttributeMap& attrs = *problem.attrs;
  const TensorDesc& a = problem.inputs[0];
  const TensorDesc& b = problem.inputs[1];
  if (a.shape.rank() < 2 || b.shape.rank() < 2 || attrs.get_int("transA", 0) != 0) return false;
  form.trans_b = attrs.get_int("transB", 0) != 0;
  form.k = a.shape.back();
  form.n = dim_from_back(b, form.trans_b ? 1 : 0);
  form.shared_b = b.shape.product(0, b.shape.rank() - 2) == 1 && a.shape.rank() >= b.shape.rank();
  form.m = form.shared_b ? a.shape.product(0, a.shape.rank() - 1) : dim_from_back(a, 1);
  form.epilogue.alpha = attrs.get_float("alpha", 1);
  form.epilogue.columns = form.n;
  return problem.op == "Gemm" ? read_gemm_addend(problem, form) : read_fused_addends(problem, form);
}

bool packs_gemm_weights(const Problem& problem, const GemmForm& form) {
  return form.shared_b && is_constant_input(problem, 1);
}

}  // namespace burnish
