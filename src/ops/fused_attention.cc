#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/fused_table.h"
#include "ops/infer.h"

namespace burnish {
namespace {

int64_t heads_of(const AttributeMap& attrs) {
  const int64_t heads = attrs.get_int("num_heads", 0);
  check(heads > 0 && heads <= INT32_MAX, ErrorCode::kInvalidModel, "attribute num_heads = {} must be positive", heads);
  return heads;
}

bool is_packed(const AttributeMap& attrs) {
  return attrs.get_int("packed_qkv", 0) != 0;
}

/// Columns per head. Throws when they do not divide.
Dim per_head(const Dim& columns, int64_t heads) {
  const auto size = exact_div(columns, Dim(heads));
  check(size.has_value(), ErrorCode::kInvalidModel, "{} columns are no multiple of {} heads", to_string(columns),
        heads);
  return *size;
}

void check_mask(const InferContext& c, const Dim& batch, const Dim& queries, const Dim& keys, int64_t heads) {
  if (!c.has_input(3)) return;
  check(c.dtype(3) == DType::kFloat32 || c.dtype(3) == DType::kBool, ErrorCode::kInvalidModel,
        "the mask must be float32 or bool, not {}", name_of(c.dtype(3)));
  if (!c.has_shape(3)) return;
  const SymShape scores{batch, Dim(heads), queries, keys};
  check(c.rank(3) <= 4, ErrorCode::kInvalidModel, "the mask {} has more than four dimensions", to_string(c.shape(3)));
  for (int i = 0; i < c.rank(3); ++i) {
    const Dim& d = c.shape(3)[static_cast<size_t>(i)];
    if (!d.is(1)) require_equal(d, scores[static_cast<size_t>(4 - c.rank(3) + i)], "the mask must broadcast");
  }
}

/// Where head h of one operand lies: row r of batch b starts at data + (b·rows + r)·pitch + h·size.
struct Heads {
  const float* data;
  int64_t rows, pitch, size;
  const float* row(int64_t b, int64_t h, int64_t r) const { return data + (b * rows + r) * pitch + h * size; }
};

struct AttentionSizes {
  int64_t batch, queries, keys, heads;
  Heads q, k, v;
};

AttentionSizes sizes_of(const EvalContext& c) {
  const TensorView& q = c.input(0);
  AttentionSizes s{};
  s.batch = q.shape[0];
  s.queries = q.shape[1];
  s.heads = heads_of(c.attrs());
  if (is_packed(c.attrs())) {
    const int64_t pitch = q.shape[2], size = pitch / 3 / s.heads, part = size * s.heads;
    const auto* data = q.as<const float>();
    s.keys = s.queries;
    s.q = {data, s.queries, pitch, size};
    s.k = {data + part, s.queries, pitch, size};
    s.v = {data + 2 * part, s.queries, pitch, size};
    return s;
  }
  const TensorView &k = c.input(1), &v = c.input(2);
  s.keys = k.shape[1];
  s.q = {q.as<const float>(), s.queries, q.shape[2], q.shape[2] / s.heads};
  s.k = {k.as<const float>(), s.keys, k.shape[2], k.shape[2] / s.heads};
  s.v = {v.as<const float>(), s.keys, v.shape[2], v.shape[2] / s.heads};
  return s;
}

/// Strides of the mask over [B, H, S, T], zero where it broadcasts.
struct Mask {
  TensorView view;
  int64_t strides[4] = {};
  explicit Mask(const TensorView& mask) : view(mask) {
    int64_t stride = 1;
    for (int i = mask.shape.rank() - 1; i >= 0; --i) {
      strides[4 - mask.shape.rank() + i] = mask.shape[i] == 1 ? 0 : stride;
      stride *= mask.shape[i];
    }
  }
  float add(float score, int64_t b, int64_t h, int64_t s, int64_t t) const {
    const int64_t at = b * strides[0] + h * strides[1] + s * strides[2] + t * strides[3];
    if (view.dtype == DType::kFloat32) return score + view.as<const float>()[at];
    return view.as<const uint8_t>()[at] != 0 ? score : -std::numeric_limits<float>::infinity();
  }
};

/// Softmax in place. A row of −∞ only becomes NaN, or zeros.
void softmax_row(std::vector<float>& row, bool masked_zero) {
  const float top = row.empty() ? 0 : *std::max_element(row.begin(), row.end());
  if (masked_zero && top == -std::numeric_limits<float>::infinity()) {
    std::fill(row.begin(), row.end(), 0.0F);
    return;
  }
  float sum = 0;
  for (float& x : row) sum += x = std::exp(x - top);
  for (float& x : row) x /= sum;
}

}  // namespace

void infer_fused_attention(InferContext& c) {
  require_encodable(c, 0, 2);
  const int64_t heads = heads_of(c.attrs());
  const bool packed = is_packed(c.attrs());
  check(packed ? !c.has_input(1) && !c.has_input(2) : c.has_input(1) && c.has_input(2), ErrorCode::kInvalidModel, "{}",
        packed ? "packed_qkv excludes the inputs K and V" : "the inputs K and V are missing");
  for (int i = 0; i < 3; ++i) require_rank(c, i, 3);
  if (!c.has_shape(0) || (!packed && (!c.has_shape(1) || !c.has_shape(2))))
    return c.set_output(0, output_encoding(c.attrs()).dtype, std::nullopt);
  const SymShape& q = c.shape(0);
  if (packed) {
    const Dim columns = per_head(per_head(q[2], heads), 3) * Dim(heads);
    check_mask(c, q[0], q[1], q[1], heads);
    return c.set_output(0, output_encoding(c.attrs()).dtype, SymShape{q[0], q[1], columns});
  }
  const SymShape &k = c.shape(1), &v = c.shape(2);
  require_equal(per_head(q[2], heads), per_head(k[2], heads), "columns of Q and K");
  per_head(v[2], heads);
  require_equal(q[0], k[0], "batches of Q and K");
  require_equal(q[0], v[0], "batches of Q and V");
  require_equal(k[1], v[1], "rows of K and V");
  check_mask(c, q[0], q[1], k[1], heads);
  c.set_output(0, output_encoding(c.attrs()).dtype, SymShape{q[0], q[1], v[2]});
}

namespace {

void evaluate_on_floats(EvalContext& c) {
  const AttentionSizes s = sizes_of(c);
  const float scale = c.attrs().get_float("scale", 1);
  const bool masked_zero = c.attrs().get_int("masked_rows_zero", 0) != 0;
  const Mask mask(c.has_input(3) ? c.input(3) : TensorView{});
  auto* y = c.output(0).as<float>();
  std::vector<float> scores(static_cast<size_t>(s.keys));
  for (int64_t i = 0; i < s.batch * s.heads * s.queries; ++i) {
    const int64_t b = i / s.heads / s.queries, h = i / s.queries % s.heads, r = i % s.queries;
    const float* q = s.q.row(b, h, r);
    for (int64_t t = 0; t < s.keys; ++t) {
      const float* k = s.k.row(b, h, t);
      float sum = 0;
      for (int64_t d = 0; d < s.q.size; ++d) sum += q[d] * k[d];
      scores[static_cast<size_t>(t)] = c.has_input(3) ? mask.add(sum * scale, b, h, r, t) : sum * scale;
    }
    softmax_row(scores, masked_zero);
    float* out = y + ((b * s.queries + r) * s.heads + h) * s.v.size;
    std::fill_n(out, s.v.size, 0.0F);
    for (int64_t t = 0; t < s.keys; ++t)
      for (int64_t e = 0; e < s.v.size; ++e) out[e] += scores[static_cast<size_t>(t)] * s.v.row(b, h, t)[e];
  }
}

}  // namespace

void evaluate_fused_attention(EvalContext& c) {
  evaluate_decoded(c, 0, 2, evaluate_on_floats);
}

}  // namespace burnish
