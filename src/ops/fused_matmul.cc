#include <algorithm>
#include <vector>

#include "ops/fused_table.h"
#include "ops/infer.h"

namespace burnish {
namespace {

bool is_transposed(const AttributeMap& attrs, std::string_view name) {
  return attrs.get_int(name, 0) != 0;
}

/// y [m, n] = alpha · op(a)·op(b); a is [m, k] or, transposed, [k, m].
void multiply(const float* a, bool trans_a, const float* b, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
              float* y) {
  std::vector<float> b_rows;
  if (trans_b) {
    b_rows.resize(static_cast<size_t>(k * n));
    for (int64_t j = 0; j < n; ++j)
      for (int64_t p = 0; p < k; ++p) b_rows[static_cast<size_t>(p * n + j)] = b[j * k + p];
    b = b_rows.data();
  }
  for (int64_t i = 0; i < m; ++i) {
    float* row = y + i * n;
    std::fill_n(row, n, 0.0F);
    for (int64_t p = 0; p < k; ++p) {
      const float v = alpha * (trans_a ? a[p * m + i] : a[i * k + p]);
      for (int64_t j = 0; j < n; ++j) row[j] += v * b[p * n + j];
    }
  }
}

/// The offset of batch entry `index` of the output in an operand whose batch dims broadcast.
int64_t batch_offset(const Shape& out, const Shape& operand, int64_t index) {
  int64_t offset = 0;
  int64_t stride = operand[operand.rank() - 1] * operand[operand.rank() - 2];
  for (int i = out.rank() - 3, j = operand.rank() - 3; j >= 0; --i, --j) {
    offset += operand[j] == 1 ? 0 : index % out[i] * stride;
    stride *= operand[j];
    index /= out[i];
  }
  return offset;
}

}  // namespace

void infer_fused_matmul(InferContext& c) {
  require_product_types(c);
  require_min_rank(c, 0, 2);
  require_min_rank(c, 1, 2);
  if (!c.has_shape(0) || !c.has_shape(1)) {
    check_epilogue(c, 3, std::nullopt);
    return c.set_output(0, output_encoding(c.attrs()).dtype, std::nullopt);
  }
  const SymShape &a = c.shape(0), &b = c.shape(1);
  const bool trans_a = is_transposed(c.attrs(), "transA");
  const bool trans_b = is_transposed(c.attrs(), "transB");
  require_equal(a[a.size() - (trans_a ? 2 : 1)], b[b.size() - (trans_b ? 1 : 2)], "inner dimensions of a product");
  SymShape out = broadcast(SymShape(a.begin(), a.end() - 2), SymShape(b.begin(), b.end() - 2));
  out.push_back(a[a.size() - (trans_a ? 1 : 2)]);
  out.push_back(b[b.size() - (trans_b ? 2 : 1)]);
  for (int i : {kFusedBias, kFusedWeightScales}) {
    if (!c.has_shape(i)) continue;
    require_rank(c, i, 1);
    require_equal(c.shape(i)[0], out.back(), "bias and weight scales against columns");
  }
  check_epilogue(c, 3, out);
  c.set_output(0, output_encoding(c.attrs()).dtype, std::move(out));
}

namespace {

void evaluate_on_floats(EvalContext& c) {
  const TensorView &a = c.input(0), &b = c.input(1);
  const TensorView y = c.output(0);
  const bool trans_a = is_transposed(c.attrs(), "transA");
  const bool trans_b = is_transposed(c.attrs(), "transB");
  const int rank = y.shape.rank();
  const int64_t m = y.shape[rank - 2], n = y.shape[rank - 1];
  const int64_t k = a.shape[a.shape.rank() - (trans_a ? 2 : 1)];
  const float alpha = c.attrs().get_float("alpha", 1);
  for (int64_t i = 0; i < y.shape.product(0, rank - 2); ++i) {
    multiply(a.as<const float>() + batch_offset(y.shape, a.shape, i), trans_a,
             b.as<const float>() + batch_offset(y.shape, b.shape, i), trans_b, m, n, k, alpha,
             y.as<float>() + i * m * n);
  }
  const int64_t total = y.num_elements();
  if (c.has_input(kFusedWeightScales))
    for (int64_t i = 0; i < total; ++i) y.as<float>()[i] *= c.input(kFusedWeightScales).as<const float>()[i % n];
  if (c.has_input(2))
    for (int64_t i = 0; i < total; ++i) y.as<float>()[i] += c.input(2).as<const float>()[i % n];
  apply_epilogue(c.attrs(), c.has_input(3) ? c.input(3).as<const float>() : nullptr, total, y.as<float>());
}

}  // namespace

void evaluate_fused_matmul(EvalContext& c) {
  evaluate_decoded(c, 0, kFusedResidual, evaluate_on_floats);
}

}  // namespace burnish
