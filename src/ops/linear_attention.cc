// Linear attention as a recurrence over tokens: https://arxiv.org/abs/2006.16236, with decay and delta rule,
// https://arxiv.org/abs/2412.06464.
#include <algorithm>
#include <cmath>

#include "ops/attention.h"
#include "ops/elements.h"
#include "ops/infer.h"

namespace burnish {

// Inputs: query [B, T, Hq·D], key [B, T, H·D], value [B, T, H·E], past_state [B, H, D, E], decay, beta.
void infer_linear_attention(InferContext& c) {
  const AttributeMap& attrs = c.attrs();
  const std::string rule = attrs.get_string("update_rule", "gated_delta");
  constexpr std::string_view kRules[] = {"linear", "gated", "delta", "gated_delta"};
  require_choice("update_rule", rule, kRules);
  check(c.has_input(4) == rule.starts_with("gated"), ErrorCode::kInvalidModel,
        "the input decay belongs to the gated update rules only");
  check(c.has_input(5) == rule.ends_with("delta"), ErrorCode::kInvalidModel,
        "the input beta belongs to the delta update rules only");
  for (int i = 0; i < 6; ++i) {
    require_real(c, i);
    require_rank(c, i, i == 3 ? 4 : 3);
  }
  const int64_t q_heads = head_count(attrs, "q_num_heads"), heads = head_count(attrs, "kv_num_heads");
  check(q_heads % heads == 0, ErrorCode::kInvalidModel, "{} query heads are no multiple of {} key heads", q_heads,
        heads);
  const DType state_type = c.has_input(3) ? c.dtype(3) : c.dtype(0);
  c.set_output(0, c.dtype(0), std::nullopt);
  c.set_output(1, state_type, std::nullopt);
  if (!c.has_shape(0) || !c.has_shape(1) || !c.has_shape(2)) return;
  const SymShape &q = c.shape(0), &k = c.shape(1), &v = c.shape(2);
  for (size_t d : {size_t{0}, size_t{1}}) {
    require_equal(q[d], k[d], "batches and tokens of query and key");
    require_equal(q[d], v[d], "batches and tokens of query and value");
    for (int i : {4, 5})
      if (c.has_shape(i)) require_equal(q[d], c.shape(i)[d], "batches and tokens of query and decay or beta");
  }
  const Dim size = columns_per_head(k[2], heads), value_size = columns_per_head(v[2], heads);
  require_equal(columns_per_head(q[2], q_heads), size, "columns of query and key");
  const SymShape state{q[0], heads, size, value_size};
  if (c.has_shape(3))
    for (size_t i = 0; i < 4; ++i) require_equal(c.shape(3)[i], state[i], "the past state's shape");
  if (c.has_shape(4) && !c.shape(4)[2].is(heads)) require_equal(c.shape(4)[2], k[2], "columns of decay");
  if (c.has_shape(5) && !c.shape(5)[2].is(1)) require_equal(c.shape(5)[2], Dim(heads), "columns of beta");
  c.set_output(0, c.dtype(0), SymShape{q[0], q[1], value_size * Dim(q_heads)});
  c.set_output(1, state_type, state);
}

namespace {

/// The state of one head, [size, value_size], and its step.
struct HeadState {
  std::vector<double> s;
  int64_t size, value_size;

  void decay(const double* gate, int64_t gates) {
    for (int64_t d = 0; d < size; ++d) {
      const double factor = std::exp(gate[gates == 1 ? 0 : d]);
      for (int64_t e = 0; e < value_size; ++e) s[static_cast<size_t>(d * value_size + e)] *= factor;
    }
  }
  /// What the state holds for x: xᵀ·S.
  std::vector<double> read(const double* x) const {
    std::vector<double> out(static_cast<size_t>(value_size));
    for (int64_t d = 0; d < size; ++d)
      for (int64_t e = 0; e < value_size; ++e)
        out[static_cast<size_t>(e)] += x[d] * s[static_cast<size_t>(d * value_size + e)];
    return out;
  }
  void write(const double* key, const std::vector<double>& value) {
    for (int64_t d = 0; d < size; ++d)
      for (int64_t e = 0; e < value_size; ++e)
        s[static_cast<size_t>(d * value_size + e)] += key[d] * value[static_cast<size_t>(e)];
  }
};

Source<double> optional_source(const EvalContext& c, int i) {
  return c.has_input(i) ? Source<double>(c.input(i)) : Source<double>();
}

}  // namespace

void evaluate_linear_attention(EvalContext& c) {
  const Source<double> q(c.input(0)), k(c.input(1)), v(c.input(2));
  const Source<double> past = optional_source(c, 3), decay = optional_source(c, 4), beta = optional_source(c, 5);
  Sink<double> y(c.output(0));
  const int64_t q_heads = head_count(c.attrs(), "q_num_heads"), heads = head_count(c.attrs(), "kv_num_heads");
  const int64_t batch = q.shape()[0], tokens = q.shape()[1], group = q_heads / heads;
  const int64_t size = k.shape()[2] / heads, value_size = v.shape()[2] / heads;
  const double given = static_cast<double>(c.attrs().get_float("scale", 0));
  const double scale = given != 0 ? given : 1 / std::sqrt(static_cast<double>(size));
  const int64_t gates = decay.defined() && decay.shape()[2] != heads ? size : 1;
  std::vector<double> states;
  for (int64_t bh = 0; bh < batch * heads; ++bh) {
    const int64_t b = bh / heads, h = bh % heads;
    HeadState state{std::vector<double>(static_cast<size_t>(size * value_size)), size, value_size};
    if (past.defined()) std::copy_n(past.data() + bh * size * value_size, size * value_size, state.s.begin());
    for (int64_t t = b * tokens; t < (b + 1) * tokens; ++t) {
      const double* key = k.data() + (t * heads + h) * size;
      const double* value = v.data() + (t * heads + h) * value_size;
      std::vector<double> update(value, value + value_size);
      if (decay.defined()) state.decay(decay.data() + (t * heads + h) * gates, gates);
      if (beta.defined()) {
        const double rate = beta[beta.shape()[2] == 1 ? t : t * heads + h];
        const std::vector<double> known = state.read(key);
        for (size_t e = 0; e < update.size(); ++e) update[e] = rate * (update[e] - known[e]);
      }
      state.write(key, update);
      for (int64_t g = h * group; g < (h + 1) * group; ++g) {
        const std::vector<double> out = state.read(q.data() + (t * q_heads + g) * size);
        for (int64_t e = 0; e < value_size; ++e)
          y[(t * q_heads + g) * value_size + e] = scale * out[static_cast<size_t>(e)];
      }
    }
    states.insert(states.end(), state.s.begin(), state.s.end());
  }
  y.commit();
  if (c.wants_output(1)) store_elements<double>(states.data(), c.output(1));
}

}  // namespace burnish
