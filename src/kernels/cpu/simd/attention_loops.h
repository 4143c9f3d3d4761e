#pragma once
// The loops of attention over elements of 32 bits: floats, or pairs of bfloat16 that a product takes at once. For files
// in this folder only.
//
// Queries stand in the lanes: scores are kept transposed, [key][query], so that the softmax needs no sums across
// lanes, keys are read as they lie, and the second product finds the probabilities of neighbouring queries together.
#include "kernels/cpu/simd/attention.h"
#include "kernels/cpu/simd/math.h"
#include "kernels/cpu/simd/transpose8.h"

namespace burnish::BURNISH_SIMD {
namespace {

#if BURNISH_SIMD_avx512
constexpr int kMaxVecs = 4;
/// Rows of a register tile of `vecs` vectors: accumulators, operands and a broadcast fit the register file.
constexpr int tile_rows(int vecs) {
  return vecs == 4 ? 6 : 8;
}
#else
constexpr int kMaxVecs = 2;
constexpr int tile_rows(int vecs) {
  return vecs == 2 ? 6 : 8;
}
#endif
constexpr int64_t kMaxQueries = kMaxVecs * kLanes;
constexpr int64_t kRowPadding = 8;  // a tile may compute, not store, rows behind the last

BURNISH_INLINE int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/// sums[r][v] = Σ_k a[r][k·a_step]·b[k·b_step + v·kLanes …]
template <typename Elements, int kRows, int kVecs>
BURNISH_INLINE void product(const float* const (&a)[kRows], int64_t a_step, const float* b, int64_t b_step, int64_t n,
                            Mask last, Vec (&sums)[kRows][kVecs]) {
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVecs; ++v) sums[r][v] = zero();
  }
  const float* rows[kRows];
  for (int r = 0; r < kRows; ++r) rows[r] = a[r];
  for (int64_t k = 0; k < n; ++k, b += b_step) {
    Vec x[kVecs];
    for (int v = 0; v + 1 < kVecs; ++v) x[v] = load(b + v * kLanes);
    x[kVecs - 1] = load(b + (kVecs - 1) * kLanes, last);
    for (int r = 0; r < kRows; ++r) {
      const Vec y = set1(*rows[r]);
      rows[r] += a_step;
      for (int v = 0; v < kVecs; ++v) sums[r][v] = Elements::multiply_add(y, x[v], sums[r][v]);
    }
  }
}

/// Two groups of registers alike in shape, but the rows of `a` stand next to each other in memory.
template <typename Elements, int kRows, int kVecs>
BURNISH_INLINE void product_of_columns(const float* a, int64_t a_step, const float* b, int64_t b_step, int64_t n,
                                       Mask last, Vec (&sums)[kRows][kVecs]) {
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVecs; ++v) sums[r][v] = zero();
  }
  for (int64_t k = 0; k < n; ++k, a += a_step, b += b_step) {
    Vec x[kVecs];
    for (int v = 0; v + 1 < kVecs; ++v) x[v] = load(b + v * kLanes);
    x[kVecs - 1] = load(b + (kVecs - 1) * kLanes, last);
    for (int r = 0; r < kRows; ++r) {
      const Vec y = set1(a[r]);
      for (int v = 0; v < kVecs; ++v) sums[r][v] = Elements::multiply_add(y, x[v], sums[r][v]);
    }
  }
}

/// columns[d·width + s] = q[s][d], zero for lanes behind the last query; times scale if that is done here.
template <typename Elements>
void pack_queries(const AttentionBlock& b, int64_t width, float* columns) {
  int64_t s = 0;
  for (; s + 8 <= b.queries; s += 8) {
    const float* q = b.q + s * b.q_row;
    int64_t d = 0;
    for (; d + 8 <= b.q_size; d += 8) transpose_8x8(q + d, b.q_row, columns + d * width + s, width);
    for (; d < b.q_size; ++d) {
      for (int64_t i = 0; i < 8; ++i) columns[d * width + s + i] = q[i * b.q_row + d];
    }
  }
  for (; s < width; ++s) {
    for (int64_t d = 0; d < b.q_size; ++d) columns[d * width + s] = s < b.queries ? b.q[s * b.q_row + d] : 0.0F;
  }
  if (Elements::kScalesScores) return;
  const Vec scale = set1(b.scale);
  for (int64_t i = 0; i < b.q_size * width; i += kLanes) store(columns + i, mul(load(columns + i), scale));
}

/// scores[t][s] for all keys, tile_rows at a time.
template <typename Elements, int kVecs>
void score(const AttentionBlock& b, const float* columns, float* scores) {
  constexpr int kRows = tile_rows(kVecs);
  constexpr int64_t kWidth = kVecs * kLanes;
  const Vec scale = set1(b.scale);
  for (int64_t t = 0; t < b.keys; t += kRows) {
    const float* rows[kRows];
    for (int r = 0; r < kRows; ++r) rows[r] = b.k + least(t + r, b.keys - 1) * b.k_row;
    Vec sums[kRows][kVecs];
    product<Elements, kRows, kVecs>(rows, 1, columns, kWidth, b.q_size, first(kLanes), sums);
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVecs; ++v) {
        const Vec sum = Elements::kScalesScores ? mul(sums[r][v], scale) : sums[r][v];
        store(scores + (t + r) * kWidth + v * kLanes, sum);
      }
    }
  }
}

BURNISH_INLINE float mask_value(const AttentionBlock& b, int64_t at) {
  if (b.mask_add != nullptr) return b.mask_add[at];
  return b.mask_keep[at] != 0 ? 0.0F : -__builtin_inff();
}

/// A mask that differs between queries: [query][key] in memory, scores are [key][query].
inline void add_mask_of_queries(const AttentionBlock& b, int64_t width, float* scores) {
  const bool in_tiles = b.mask_add != nullptr && b.mask_key == 1;
  const int64_t tiled_keys = in_tiles ? b.keys / 8 * 8 : 0, tiled_queries = in_tiles ? b.queries / 8 * 8 : 0;
  for (int64_t t = 0; t < tiled_keys; t += 8) {
    for (int64_t s = 0; s < tiled_queries; s += 8) {
      float tile[64];
      transpose_8x8(b.mask_add + s * b.mask_query + t, b.mask_query, tile, 8);
      for (int64_t i = 0; i < 8; ++i) {
        float* at = scores + (t + i) * width + s;
        _mm256_storeu_ps(at, _mm256_add_ps(_mm256_loadu_ps(at), _mm256_loadu_ps(tile + i * 8)));
      }
    }
  }
  for (int64_t t = 0; t < b.keys; ++t) {
    for (int64_t s = t < tiled_keys ? tiled_queries : 0; s < b.queries; ++s) {
      scores[t * width + s] += mask_value(b, t * b.mask_key + s * b.mask_query);
    }
  }
}

inline void add_mask(const AttentionBlock& b, int64_t width, float* scores) {
  if (b.mask_query != 0) return add_mask_of_queries(b, width, scores);
  for (int64_t t = 0; t < b.keys; ++t, scores += width) {
    const float m = mask_value(b, t * b.mask_key);
    if (m == 0) continue;
    for (int64_t s = 0; s < width; s += kLanes) store(scores + s, add(load(scores + s), set1(m)));
  }
}

/// Scores become exponentials; inverse[s] is v_scale over their sum, or zero for a query whose keys are all hidden.
template <typename Elements, int kVecs>
void exponentiate(const AttentionBlock& b, float* scores, float* inverse) {
  constexpr int64_t kWidth = kVecs * kLanes;
  const Vec nothing = set1(-__builtin_inff());
  Vec top[kVecs], sum[kVecs];
  for (int v = 0; v < kVecs; ++v) {
    top[v] = nothing;
    sum[v] = zero();
  }
  for (int64_t t = 0; t < b.keys; ++t) {
    for (int v = 0; v < kVecs; ++v) top[v] = max(top[v], load(scores + t * kWidth + v * kLanes));
  }
  Mask empty[kVecs];
  for (int v = 0; v < kVecs; ++v) {
    empty[v] = less(top[v], set1(-3.4028235e38F));  // below every finite number
    if (b.masked_rows_zero) top[v] = select(empty[v], zero(), top[v]);
  }
  const int64_t keys = b.keys;
  float* to = scores;
  for (int64_t t = 0; t < keys; t += Elements::kPerElement, to += kWidth) {
    for (int v = 0; v < kVecs; ++v) {
      const float* at = scores + t * kWidth + v * kLanes;
      Vec e[Elements::kPerElement];
      for (int i = 0; i < Elements::kPerElement; ++i) {
        e[i] = i == 0 || t + i < keys ? exp(sub(load(at + i * kWidth), top[v])) : zero();
        sum[v] = add(sum[v], e[i]);
      }
      store(to + v * kLanes, Elements::element_of(e));
    }
  }
  for (int v = 0; v < kVecs; ++v) {
    const Vec r = div(set1(b.v_scale), sum[v]);
    store(inverse + v * kLanes, b.masked_rows_zero ? select(empty[v], zero(), r) : r);
  }
}

/// Output columns [e, e + kVecs vectors), the last of them masked.
template <typename Elements, int kVecs>
void weigh_columns(const AttentionBlock& b, const float* weights, int64_t width, const float* inverse, int64_t e,
                   Mask last) {
  constexpr int kRows = tile_rows(kVecs);
  const int64_t terms = (b.keys + Elements::kPerElement - 1) / Elements::kPerElement;
  for (int64_t s = 0; s < b.queries; s += kRows) {
    Vec sums[kRows][kVecs];
    product_of_columns<Elements, kRows, kVecs>(weights + s, width, b.v + e, b.v_row, terms, last, sums);
    const int64_t rows = least(kRows, b.queries - s);
    for (int r = 0; r < kRows; ++r) {
      if (r >= rows) break;
      float* y = b.y + (s + r) * b.y_row + e;
      const Vec f = set1(inverse[s + r]);
      for (int v = 0; v + 1 < kVecs; ++v) store(y + v * kLanes, mul(sums[r][v], f));
      store(y + (kVecs - 1) * kLanes, mul(sums[r][kVecs - 1], f), last);
    }
  }
}

template <typename Elements>
void weigh(const AttentionBlock& b, const float* weights, int64_t width, const float* inverse) {
  for (int64_t e = 0; e < b.v_size;) {
    const int64_t left = b.v_size - e;
    const int64_t vecs = least((left + kLanes - 1) / kLanes, kMaxVecs);
    const Mask last = first(least(kLanes, left - (vecs - 1) * kLanes));
    switch (vecs) {
      case 1:
        weigh_columns<Elements, 1>(b, weights, width, inverse, e, last);
        break;
      case 2:
        weigh_columns<Elements, 2>(b, weights, width, inverse, e, last);
        break;
#if BURNISH_SIMD_avx512
      case 3:
        weigh_columns<Elements, 3>(b, weights, width, inverse, e, last);
        break;
      default:
        weigh_columns<Elements, 4>(b, weights, width, inverse, e, last);
        break;
#else
      default:
        break;
#endif
    }
    e += vecs * kLanes;
  }
}

template <typename Elements, int kVecs>
void run_block(const AttentionBlock& b) {
  constexpr int64_t kWidth = kVecs * kLanes;
  float* inverse = b.scratch;
  float* columns = inverse + kMaxQueries + kRowPadding + 8;
  float* scores = columns + b.q_size * kWidth;
  pack_queries<Elements>(b, kWidth, columns);
  score<Elements, kVecs>(b, columns, scores);
  if (b.mask_add != nullptr || b.mask_keep != nullptr) add_mask(b, kWidth, scores);
  exponentiate<Elements, kVecs>(b, scores, inverse);
  weigh<Elements>(b, scores, kWidth, inverse);
}

template <typename Elements>
void run_any(const AttentionBlock& b) {
  switch ((b.queries + kLanes - 1) / kLanes) {
    case 1:
      return run_block<Elements, 1>(b);
    case 2:
      return run_block<Elements, 2>(b);
#if BURNISH_SIMD_avx512
    case 3:
      return run_block<Elements, 3>(b);
    default:
      return run_block<Elements, 4>(b);
#else
    default:
      return;
#endif
  }
}

inline int64_t scratch_floats(int64_t keys, int64_t q_size) {
  return kMaxQueries + kRowPadding + 8 + (q_size + keys + 2 * kRowPadding) * kMaxQueries;
}

}  // namespace
}  // namespace burnish::BURNISH_SIMD
