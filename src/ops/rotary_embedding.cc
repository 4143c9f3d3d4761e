// Rotary position embeddings: https://arxiv.org/abs/2104.09864.
#include "ops/attention.h"
#include "ops/elements.h"
#include "ops/indexing.h"
#include "ops/infer.h"

namespace burnish {

// Inputs: X [B, H, S, D] or [B, S, H·D], cos and sin [P, R/2] with position_ids [B, S], or [B, S, R/2] without.
void infer_rotary_embedding(InferContext& c) {
  for (int i = 0; i < 3; ++i) require_real(c, i);
  require_index(c, 3);
  infer_like(c);
  if (!c.has_shape(0)) return;
  check(c.rank(0) == 3 || c.rank(0) == 4, ErrorCode::kInvalidModel, "X must have 3 or 4 dimensions, not {}", c.rank(0));
  const bool packed = c.rank(0) == 3;
  const SymShape& x = c.shape(0);
  const Dim head = packed ? columns_per_head(x[2], head_count(c.attrs(), "num_heads")) : x[3];
  const int64_t given = c.attrs().get_int("rotary_embedding_dim", 0);
  check(given >= 0, ErrorCode::kInvalidModel, "attribute rotary_embedding_dim = {} is negative", given);
  const Dim rotated = given == 0 ? head : Dim(given);
  check(!head.is_constant() || !rotated.is_constant() || (rotated.value() <= head.value() && rotated.value() % 2 == 0),
        ErrorCode::kInvalidModel, "cannot rotate {} of {} columns", to_string(rotated), to_string(head));
  const Dim& sequence = x[packed ? 1 : 2];
  for (int i : {1, 2}) {
    require_rank(c, i, c.has_input(3) ? 2 : 3);
    if (!c.has_shape(i)) continue;
    require_equal(c.shape(i).back() * Dim(2), rotated, "columns of cos and sin against half the rotated ones");
    if (c.has_input(3)) continue;
    require_equal(c.shape(i)[0], x[0], "batches of X and cos or sin");
    require_equal(c.shape(i)[1], sequence, "positions of X and cos or sin");
  }
  if (c.has_shape(1) && c.has_shape(2)) require_equal(c.shape(1)[0], c.shape(2)[0], "rows of cos and sin");
  require_rank(c, 3, 2);
  if (!c.has_shape(3)) return;
  require_equal(c.shape(3)[0], x[0], "batches of X and position_ids");
  require_equal(c.shape(3)[1], sequence, "positions of X and position_ids");
}

namespace {

template <typename T>
void run(EvalContext& c) {
  const Source<T> x(c.input(0)), cosine(c.input(1)), sine(c.input(2));
  Sink<T> y(c.output(0));
  const Shape& s = x.shape();
  const bool packed = s.rank() == 3;
  const int64_t heads = packed ? head_count(c.attrs(), "num_heads") : s[1];
  const int64_t sequence = s[packed ? 1 : 2], size = packed ? s[2] / heads : s[3];
  const int64_t half = cosine.shape().back(), step = c.attrs().get_int("interleaved", 0) != 0 ? 2 : 1;
  const std::vector<int64_t> positions = c.has_input(3) ? ints_of(c.input(3)) : std::vector<int64_t>();
  for (int64_t row = 0; row < s[0] * heads * sequence; ++row) {
    // Rows are counted [b, s, h] when packed, else [b, h, s].
    const int64_t token = packed ? row / heads : row / sequence / heads * sequence + row % sequence;
    const int64_t at =
        positions.empty() ? token : checked_index(positions[static_cast<size_t>(token)], cosine.shape()[0]);
    const T* in = x.data() + row * size;
    T* out = y.data() + row * size;
    for (int64_t i = 2 * half; i < size; ++i) out[i] = in[i];
    for (int64_t i = 0; i < half; ++i) {
      const int64_t a = i * step, b = step == 2 ? a + 1 : a + half;
      const T cos = cosine[at * half + i], sin = sine[at * half + i];
      const T real = cos * in[a] - sin * in[b];
      out[b] = sin * in[a] + cos * in[b];
      out[a] = real;
    }
  }
  y.commit();
}

}  // namespace

void evaluate_rotary_embedding(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run<decltype(tag)>(c); });
}

}  // namespace burnish
