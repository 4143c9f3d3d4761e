#pragma once
// Attention of a block of queries of one head to all its keys.
#include <stdint.h>

namespace burnish {

/// y[s] = v_scale·Σ_t softmax_t(scale·q[s]·k[t] + mask[s][t])·v[t]. Rows are `…_row` elements apart. Elements are
/// floats; or, but for y, pairs of bfloat16: neighbours of a row for q and k, of a column for v, which pair_rows()
/// makes.
struct AttentionBlock {
  const float* q;
  const float* k;
  const float* v;
  float* y;
  int64_t q_row, k_row, v_row, y_row;
  int64_t queries;  ///< At most max_queries.
  int64_t keys;     ///< At least one.
  int64_t q_size;   ///< Columns of q and k, in elements.
  int64_t v_size;   ///< Columns of v and y.
  float scale;
  float v_scale;
  bool masked_rows_zero;         ///< Zeros instead of NaN for a query without keys.
  const float* mask_add;         ///< Added to the scores. At most one of the masks is there.
  const uint8_t* mask_keep;      ///< Zero where a key is hidden.
  int64_t mask_query, mask_key;  ///< The mask's strides, zero where it broadcasts.
  float* scratch;                ///< scratch_floats() of them, aligned to 64 bytes.
};

struct AttentionKernels {
  int64_t max_queries;
  int64_t (*scratch_floats)(int64_t keys, int64_t q_size);
  void (*run)(const AttentionBlock&);
  /// Rows t and t + 1 of bfloat16 as one row of pairs, v_size of them; zeros where there is no such row. Null for
  /// floats.
  void (*pair_rows)(const uint16_t* v, int64_t v_row, int64_t keys, int64_t v_size, float* pairs);
};

namespace avx2 {
extern const AttentionKernels kAttention;
}
namespace avx512 {
extern const AttentionKernels kAttention;
}

namespace avx512bf16 {
extern const AttentionKernels kAttention;
}

}  // namespace burnish
