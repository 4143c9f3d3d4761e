#include "ops/attention.h"

#include "ops/infer.h"

namespace burnish {

int64_t head_count(const AttributeMap& attrs, std::string_view name) {
  const int64_t heads = attrs.get_int(name, 0);
  check(heads > 0 && heads <= INT32_MAX, ErrorCode::kInvalidModel, "attribute {} = {} must be positive", name, heads);
  return heads;
}

Dim columns_per_head(const Dim& columns, int64_t heads) {
  const auto size = exact_div(columns, Dim(heads));
  check(size.has_value(), ErrorCode::kInvalidModel, "{} columns are no multiple of {} heads", to_string(columns),
        heads);
  return *size;
}

namespace {

/// One of Q, K and V as [B, H, S, D].
SymShape split_heads(const InferContext& c, int i, std::string_view heads_name) {
  const SymShape& s = c.shape(i);
  if (s.size() == 4) return s;
  const int64_t heads = head_count(c.attrs(), heads_name);
  return {s[0], heads, s[1], columns_per_head(s[2], heads)};
}

void check_past(const InferContext& c, int i, const SymShape& present) {
  require_rank(c, i, 4);
  if (!c.has_shape(i)) return;
  for (size_t d : {size_t{0}, size_t{1}, size_t{3}})
    require_equal(c.shape(i)[d], present[d], "past keys and values against the new ones");
}

void check_mask(const InferContext& c, const SymShape& scores) {
  if (!c.has_input(3)) return;
  if (c.dtype(3) != DType::kBool) require_real(c, 3);
  if (!c.has_shape(3)) return;
  const int rank = c.rank(3);
  check(rank >= 1 && rank <= 4, ErrorCode::kInvalidModel, "the mask has {} dimensions", rank);
  for (int i = 0; i < rank; ++i) {
    const Dim &d = c.shape(3)[static_cast<size_t>(i)], &s = scores[static_cast<size_t>(4 - rank + i)];
    // The last dimension may be shorter: what is missing is masked.
    const bool fits =
        !d.is_constant() || !s.is_constant() || d == s || (i + 1 < rank ? d.is(1) : d.value() <= s.value());
    check(fits, ErrorCode::kInvalidModel, "the mask {} does not broadcast to {}", to_string(c.shape(3)),
          to_string(scores));
  }
}

void check_options(const InferContext& c) {
  for (std::string_view name : {"left_window_size", "right_window_size"})
    check(c.attrs().get_int(name, -1) >= -1, ErrorCode::kInvalidModel, "attribute {} is below -1", name);
  const int64_t mode = c.attrs().get_int("qk_matmul_output_mode", 0);
  check(mode >= 0 && mode <= 3, ErrorCode::kInvalidModel, "attribute qk_matmul_output_mode = {} is not known", mode);
  check(c.has_input(4) == c.has_input(5), ErrorCode::kInvalidModel, "past_key and past_value come together");
  check(!c.has_input(6) || !c.has_input(4), ErrorCode::kInvalidModel, "nonpad_kv_seqlen excludes past_key");
  for (int i : {0, 1, 2, 4, 5}) require_real(c, i);
  require_index(c, 6);
  require_rank(c, 6, 1);
}

void check_heads(const Dim& query_heads, const SymShape& k, const SymShape& v) {
  require_equal(k[1], v[1], "heads of K and V");
  if (!query_heads.is_constant() || !k[1].is_constant()) return;
  check(k[1].value() > 0 && query_heads.value() % k[1].value() == 0, ErrorCode::kInvalidModel,
        "{} query heads are no multiple of {} key heads", query_heads.value(), k[1].value());
}

}  // namespace

void infer_attention(InferContext& c) {
  check_options(c);
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, c.dtype(i == 2 ? 2 : 0), std::nullopt);
  if (!c.has_shape(0) || !c.has_shape(1) || !c.has_shape(2)) return;
  const int rank = c.rank(0);
  check(rank == 3 || rank == 4, ErrorCode::kInvalidModel, "Q must have 3 or 4 dimensions, not {}", rank);
  require_rank(c, 1, rank);
  require_rank(c, 2, rank);
  const SymShape q = split_heads(c, 0, "q_num_heads");
  SymShape k = split_heads(c, 1, "kv_num_heads"), v = split_heads(c, 2, "kv_num_heads");
  for (const SymShape* s : {&k, &v}) require_equal(q[0], (*s)[0], "batches of Q, K and V");
  require_equal(k[2], v[2], "rows of K and V");
  require_equal(q[3], k[3], "columns of Q and K");
  check_heads(q[1], k, v);
  check_past(c, 4, k);
  check_past(c, 5, v);
  if (c.has_shape(6)) require_equal(c.shape(6)[0], q[0], "one length for each batch entry");
  if (c.has_input(4) && (!c.has_shape(4) || !c.has_shape(5))) return;
  if (c.has_input(4)) {
    require_equal(c.shape(4)[2], c.shape(5)[2], "rows of the past keys and values");
    k[2] = k[2] + c.shape(4)[2];
    v[2] = v[2] + c.shape(5)[2];
  }
  const SymShape scores{q[0], q[1], q[2], k[2]};
  check_mask(c, scores);
  c.set_output(0, c.dtype(0), rank == 4 ? SymShape{q[0], q[1], q[2], v[3]} : SymShape{q[0], q[2], q[1] * v[3]});
  c.set_output(1, c.dtype(0), k);
  c.set_output(2, c.dtype(2), v);
  c.set_output(3, c.dtype(0), scores);
}

void infer_flex_attention(InferContext& c) {
  for (int i = 0; i < 3; ++i) require_rank(c, i, 4);
  infer_attention(c);
}

namespace {

constexpr OpDescriptor kOps[] = {
    {"Attention", 3, 7, 1, 4, infer_attention, evaluate_attention},
    {"FlexAttention", 3, 3, 1, 1, infer_flex_attention, evaluate_flex_attention},
    {"RotaryEmbedding", 3, 4, 1, 1, infer_rotary_embedding, evaluate_rotary_embedding},
    {"LinearAttention", 3, 6, 1, 2, infer_linear_attention, evaluate_linear_attention},
};

}  // namespace

std::span<const OpDescriptor> attention_ops() {
  return kOps;
}

}  // namespace burnish
