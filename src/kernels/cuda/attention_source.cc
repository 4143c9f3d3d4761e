#include "kernels/cuda/attention_source.h"

namespace burnish::cuda {

std::string_view attention_common() {
  return R"cuda(
// Distances in elements. Of the mask over [B, H, S, T]; 0 where it broadcasts.
struct Arguments {
  const T *q, *k, *v;
  const void* mask;
  Y* y;
  int64 q_row, k_row, v_row, y_row;
  int64 mask_batch, mask_head, mask_query, mask_key;
  int queries, keys, blocks;  // blocks: of one head
};

__device__ __forceinline__ float minus_infinity() { return __int_as_float(0xff800000); }
constexpr float kLog2E = 1.44269504088896340736f;

// What a block works on.
struct Place {
  int first, head;
  int64 batch;
  __device__ __forceinline__ Place(const Arguments& a, int rows) {
    const int index = blockIdx.x / a.blocks;
    first = (blockIdx.x - index * a.blocks) * rows;
    head = index % kHeads;
    batch = index / kHeads;
  }
};

__device__ __forceinline__ int64 mask_offset(const Arguments& a, const Place& at, int query) {
  return at.batch * a.mask_batch + at.head * a.mask_head + int64(min(query, a.queries - 1)) * a.mask_query;
}
// The element of the mask that `offset` (mask_offset) and a key lead to, as what is added to the scaled score.
__device__ __forceinline__ float mask_at(const Arguments& a, int64 offset, int key) {
  const int64 at = offset + key * a.mask_key;
  if (kMask == 1) return static_cast<const float*>(a.mask)[at];
  return static_cast<const uint8*>(a.mask)[at] != 0 ? 0.f : minus_infinity();
}
// Multiplies a row of the result. The sum is 0 where every key is masked: no score is above −∞ then.
__device__ __forceinline__ float inverse_of(float sum, int keys) {
  if (sum != 0.f) return __fdividef(1.f, sum);
  return kMaskedRowsZero || keys == 0 ? 0.f : __int_as_float(0x7fffffff);
}
)cuda";
}

// Flash attention: every warp keeps 16 queries and walks over the keys, tile by tile; scores never leave registers.
// Between products of scores and of values the rows are weighted anew (online softmax).
std::string_view attention_mma() {
  return R"cuda(
constexpr int kQkPadded = (kQk + 15) / 16 * 16, kVPadded = (kV + 15) / 16 * 16;
// Rows in shared memory are an odd number of 16-byte units apart: eight of them fall into different banks.
constexpr int kKRow = kQkPadded + 8, kVRow = kVPadded + 8;
constexpr int kWarps = kRows / 16 * kSplit, kThreads = kWarps * 32, kWarpKeys = kKeys / kSplit;
constexpr int kSlotFloats = (kVPadded / 2 + 4) * 32;  // a warp's partial result
// Scores are compared as they are where scaling keeps their order; else they are scaled, and masked, before.
constexpr bool kScaledBefore = kMask != 0 || !(kScale > 0.f);
// A mask that all queries share is read once, into shared memory.
constexpr bool kMaskByKey = kMask != 0 && !kMaskPerRow;
constexpr bool kOnePass = kStages == 1;
// Where a warp puts its rows together to write them 16 bytes at a time: its slot, or over the tiles of keys.
constexpr int kUnit = 16 / sizeof(Y), kStagedRow = kVPadded + kUnit;
constexpr int kStagedBytes = kSplit > 1 ? kSlotFloats * 4 : 16 * kStagedRow * sizeof(Y);
constexpr bool kStagedOverKeys = kWarps * kStagedBytes <= kKeys * kKRow * 2;
static_assert(kKeys <= kThreads, "a thread reads one key's mask");

__device__ __forceinline__ float exp2_of(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
// Scores scaled before are in units of log2. Both may be the lowest number that is no infinity.
__device__ __forceinline__ float weight_of(float score, float top) {
  if (kScaledBefore) return exp2_of(score - top);
  return exp2_of(score * (kScale * kLog2E) - top * (kScale * kLog2E));
}
// What is finite stays finite: a row whose keys all have the lowest number weights them alike.
__device__ __forceinline__ float in_log2(float added) {
  constexpr float kHighest = 3.402823466e+38f;
  const float x = added * kLog2E;
  return fabsf(added) <= kHighest ? fminf(fmaxf(x, -kHighest), kHighest) : x;
}
__device__ __forceinline__ float finite_or_zero(float top) { return top == minus_infinity() ? 0.f : top; }

// Copies a unit of a row, or zeros from outside.
template <int kWidth> __device__ __forceinline__ void load_unit(T* to, const T* from, bool inside) {
  if constexpr (kWidth == 8) {
    copy_async<16>(shared_address(to), from, inside);
  } else {
    *to = inside ? *from : T{0};
  }
}
// Where threads are whole rows of units, each keeps to a column, and only adds to its addresses.
template <int kWidth, int kColumns, int kPadded>
__device__ __forceinline__ void load_tile(T* tile, const T* rows, int64 row, int first, int end) {
  constexpr int kUnits = kPadded / kWidth, kAtOnce = kThreads / kUnits;
  constexpr bool kWhole = kFixedKeys > 0 && kFixedKeys % kKeys == 0;
  const int thread = threadIdx.x;
  if constexpr (kThreads % kUnits == 0 && kKeys % kAtOnce == 0) {
    const int r = thread / kUnits, c = thread % kUnits * kWidth;
    const T* from = rows + (first + r) * row + c;
    T* const to = tile + r * (kPadded + 8) + c;
#pragma unroll 16
    for (int i = 0; i < kKeys; i += kAtOnce, from += kAtOnce * row) {
      const bool inside = (kWhole || first + r + i < end) && (kColumns == kPadded || c < kColumns);
      load_unit<kWidth>(to + i * (kPadded + 8), inside ? from : rows, inside);
    }
  } else {
#pragma unroll 8
    for (int i = thread; i < kKeys * kUnits; i += kThreads) {
      const int r = i / kUnits, c = i % kUnits * kWidth;
      const bool inside = first + r < end && c < kColumns;
      load_unit<kWidth>(tile + r * (kPadded + 8) + c, rows + (inside ? (first + r) * row + c : 0), inside);
    }
  }
}

template <int kWidth> __device__ __forceinline__ uint32 load_pair(const T* row, int column) {
  if (kQk < kQkPadded && column >= kQk) return 0;
  if constexpr (kWidth == 8) return *reinterpret_cast<const uint32*>(row + column);
  return uint32(row[column].bits) | (column + 1 < kQk ? uint32(row[column + 1].bits) << 16 : 0u);
}

// One warp's state: 16 queries against its keys.
struct Rows {
  uint32 q[kQkPadded / 16][4];
  float out[kVPadded / 8][4];
  float top[2], sum[2];  // of this lane's two rows; the sum of this lane's columns only

  // Rows behind the last are a copy of it: they are not written.
  template <int kWidth> __device__ __forceinline__ void load_queries(const T* q_rows, int64 row, int first, int end) {
    const int lane = threadIdx.x % 32, query = first + lane / 4;
    const T* const at[2] = {q_rows + min(query, end - 1) * row, q_rows + min(query + 8, end - 1) * row};
#pragma unroll
    for (int i = 0; i < kQkPadded / 16 * 4; ++i) {
      q[i / 4][i % 4] = load_pair<kWidth>(at[i % 2], i / 4 * 16 + i % 4 / 2 * 8 + lane % 4 * 2);
    }
  }

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < kVPadded / 2; ++i) out[i / 4][i % 4] = 0.f;
    top[0] = top[1] = minus_infinity();
    sum[0] = sum[1] = 0.f;
  }

  __device__ __forceinline__ void score(float (&s)[kWarpKeys / 8][4], const T* k_tile) const {
    const int lane = threadIdx.x % 32;
    const T* from = k_tile + (lane / 16 * 8 + lane % 8) * kKRow + lane / 8 % 2 * 8;
#pragma unroll
    for (int n = 0; n < kWarpKeys / 16; ++n) {
#pragma unroll
      for (int i = 0; i < 8; ++i) s[2 * n + i / 4][i % 4] = 0.f;
#pragma unroll
      for (int d = 0; d < kQkPadded / 16; ++d) {
        uint32 b[4];
        load_matrices(b, shared_address(from + n * 16 * kKRow + d * 16));
        multiply_add<T>(s[2 * n], q[d], b);
        multiply_add<T>(s[2 * n + 1], q[d], b + 2);
      }
    }
  }

  // Turns scores into weights, and what was gathered under a lower top into what it is under the new one.
  __device__ __forceinline__ void weigh(float (&s)[kWarpKeys / 8][4]) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float next = top[r];
#pragma unroll
      for (int n = 0; n < kWarpKeys / 8; ++n) next = fmaxf(next, fmaxf(s[n][2 * r], s[n][2 * r + 1]));
      next = fmaxf(next, __shfl_xor_sync(0xffffffffu, next, 1));
      next = fmaxf(next, __shfl_xor_sync(0xffffffffu, next, 2));
      const float base = finite_or_zero(next);
      if constexpr (!kOnePass) fade(r, weight_of(top[r], base));
      top[r] = next;
#pragma unroll
      for (int n = 0; n < kWarpKeys / 8; ++n) {
        s[n][2 * r] = weight_of(s[n][2 * r], base);
        s[n][2 * r + 1] = weight_of(s[n][2 * r + 1], base);
        sum[r] += s[n][2 * r] + s[n][2 * r + 1];
      }
    }
  }
  __device__ __forceinline__ void fade(int r, float factor) {
    sum[r] *= factor;
#pragma unroll
    for (int e = 0; e < kVPadded / 8; ++e) {
      out[e][2 * r] *= factor;
      out[e][2 * r + 1] *= factor;
    }
  }

  __device__ __forceinline__ void gather(const float (&s)[kWarpKeys / 8][4], const T* v_tile) {
    const int lane = threadIdx.x % 32;
    const T* from = v_tile + lane % 16 * kVRow + lane / 16 * 8;
#pragma unroll
    for (int n = 0; n < kWarpKeys / 16; ++n) {
      const float *low = s[2 * n], *high = s[2 * n + 1];
      const uint32 a[4] = {pack2<T>(low[0], low[1]), pack2<T>(low[2], low[3]), pack2<T>(high[0], high[1]),
                           pack2<T>(high[2], high[3])};
#pragma unroll
      for (int e = 0; e < kVPadded / 16; ++e) {
        uint32 b[4];
        load_matrices_transposed(b, shared_address(from + n * 16 * kVRow + e * 16));
        multiply_add<T>(out[2 * e], a, b);
        multiply_add<T>(out[2 * e + 1], a, b + 2);
      }
    }
  }

  // A warp's slot holds each lane's numbers, lane beside lane.
  __device__ __forceinline__ void put(float* slot) const {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < kVPadded / 2; ++i) slot[i * 32 + lane] = out[i / 4][i % 4];
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      slot[(kVPadded / 2 + r) * 32 + lane] = top[r];
      slot[(kVPadded / 2 + 2 + r) * 32 + lane] = sum[r];
    }
  }
  __device__ __forceinline__ void merge(const float* slot) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float other = slot[(kVPadded / 2 + r) * 32 + lane], next = fmaxf(top[r], other);
      const float base = finite_or_zero(next), factor = weight_of(other, base);
      fade(r, weight_of(top[r], base));
      top[r] = next;
      sum[r] += slot[(kVPadded / 2 + 2 + r) * 32 + lane] * factor;
#pragma unroll
      for (int i = 0; i < kVPadded / 4; ++i) {
        out[i / 2][2 * r + i % 2] += slot[(i / 2 * 4 + 2 * r + i % 2) * 32 + lane] * factor;
      }
    }
  }

  __device__ __forceinline__ void finish(int keys) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float all = sum[r];
      all += __shfl_xor_sync(0xffffffffu, all, 1);
      all += __shfl_xor_sync(0xffffffffu, all, 2);
      fade(r, inverse_of(all, keys));
    }
  }

  // Through shared memory, so that rows are written 16 bytes at a time.
  __device__ __forceinline__ void store_wide(Y* y, int64 row, int first, int end, void* memory) const {
    constexpr int kUnits = kV / kUnit;
    const int lane = threadIdx.x % 32;
    Y* staged = static_cast<Y*>(memory);
#pragma unroll
    for (int i = 0; i < kVPadded / 4; ++i) {
      const int column = i / 2 * 8 + lane % 4 * 2;
      Vec<Y, 2> pair{from_float<Y>(out[i / 2][i % 2 * 2]), from_float<Y>(out[i / 2][i % 2 * 2 + 1])};
      store_vec(staged + (lane / 4 + i % 2 * 8) * kStagedRow + column, pair);
    }
    __syncwarp();
    constexpr int kSteps = (16 * kUnits + 31) / 32;
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      const int i = step * 32 + lane, r = i / kUnits, column = i % kUnits * kUnit;
      if (16 * kUnits % 32 != 0 && i >= 16 * kUnits) break;
      if (first + r < end) store_vec(y + (first + r) * row + column, load_vec<Y, kUnit>(staged + r * kStagedRow + column));
    }
  }
  __device__ __forceinline__ void store_narrow(Y* y, int64 row, int first, int end) const {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < kVPadded / 2; ++i) {
      const int r = first + lane / 4 + i % 4 / 2 * 8, column = i / 4 * 8 + lane % 4 * 2 + i % 2;
      if (r < end && column < kV) y[r * row + column] = from_float<Y>(out[i / 4][i % 4]);
    }
  }
};

// Scales scores, and adds the mask of this lane's keys.
__device__ __forceinline__ void mask_scores(float (&s)[kWarpKeys / 8][4], const float* mask) {
#pragma unroll
  for (int n = 0; n < kWarpKeys / 8; ++n) {
    const Vec<float, 2> added = load_vec<float, 2>(mask + n * 8);
#pragma unroll
    for (int i = 0; i < 4; ++i) s[n][i] = fmaf(s[n][i], kScale * kLog2E, added.v[i % 2]);
  }
}
// The same for rows `row` and row + 8, each with a mask of its own or without any.
__device__ __forceinline__ void mask_rows(float (&s)[kWarpKeys / 8][4], const Arguments& a, const Place& at, int row,
                                          int key, int keys) {
  const int64 offsets[2] = {mask_offset(a, at, row), mask_offset(a, at, row + 8)};
#pragma unroll
  for (int i = 0; i < kWarpKeys / 2; ++i) {
    const int column = key + i / 4 * 8 + i % 2;
    const bool reads = kMask != 0 && column < keys;
    const float added = reads ? in_log2(mask_at(a, offsets[i % 4 / 2], column)) : 0.f;
    s[i / 4][i % 4] = fmaf(s[i / 4][i % 4], kScale * kLog2E, added);
  }
}
__device__ __forceinline__ void drop_scores_behind(float (&s)[kWarpKeys / 8][4], int key, int keys) {
#pragma unroll
  for (int i = 0; i < kWarpKeys / 2; ++i) {
    if (key + i / 4 * 8 + i % 2 >= keys) s[i / 4][i % 4] = minus_infinity();
  }
}

template <int kWidth> __device__ __forceinline__ void run(const Arguments& a) {
  extern __shared__ Vec<uint32, 4> memory[];
  T* const k_tiles = reinterpret_cast<T*>(memory);
  T* const v_tiles = k_tiles + kStages * kKeys * kKRow;
  float* const masks = reinterpret_cast<float*>(v_tiles + kStages * kKeys * kVRow);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, part = warp % kSplit;
  const Place at(a, kRows);
  const int keys = kFixedKeys > 0 ? kFixedKeys : a.keys;
  const int first = at.first + warp / kSplit * 16;
  const int tiles = (keys + kKeys - 1) / kKeys;
  const T* const k = a.k + at.batch * keys * a.k_row + at.head * kQk;
  const T* const v = a.v + at.batch * keys * a.v_row + at.head * kV;
  // Each a group of copies, whether there is something to copy or not.
  const auto load_keys = [&](int tile) {
    if (tile < tiles) load_tile<kWidth, kQk, kQkPadded>(k_tiles + tile % kStages * kKeys * kKRow, k, a.k_row, tile * kKeys, keys);
    commit_copies();
  };
  const auto load_values = [&](int tile) {
    if (tile < tiles) load_tile<kWidth, kV, kVPadded>(v_tiles + tile % kStages * kKeys * kVRow, v, a.v_row, tile * kKeys, keys);
    commit_copies();
  };
  // Of this thread's key; converted only where it is kept, so that nothing waits for it before.
  const int64 mask_row = kMaskByKey ? mask_offset(a, at, 0) : 0;
  const auto load_mask = [&](int tile) {
    const int key = tile * kKeys + threadIdx.x;
    return kMaskByKey && threadIdx.x < kKeys && key < keys ? mask_at(a, mask_row, key) : minus_infinity();
  };
  const auto keep_mask = [&](int tile, float mask) {
    if (kMaskByKey && threadIdx.x < kKeys) masks[tile % kStages * kKeys + threadIdx.x] = in_log2(mask);
  };
  wait_for_inputs();
  load_keys(0);
  Rows rows;
  rows.load_queries<kWidth>(a.q + at.batch * a.queries * a.q_row + at.head * kQk, a.q_row, first, a.queries);
  float mask = load_mask(0);
  load_values(0);
  if constexpr (!kOnePass) {
    load_keys(1);
    load_values(1);
  }
  let_next_start();
  keep_mask(0, mask);
  rows.clear();
  for (int tile = 0; tile < tiles; ++tile) {
    const int key = tile * kKeys + part * kWarpKeys;
    const int slot = tile % kStages * kKeys + part * kWarpKeys;
    float s[kWarpKeys / 8][4];
    if constexpr (!kOnePass) mask = load_mask(tile + 1);
    wait_for_copies<kOnePass ? 1 : 3>();
    __syncthreads();
    if (key < keys) {
      rows.score(s, k_tiles + slot * kKRow);
      if constexpr (kMaskByKey) {
        mask_scores(s, masks + slot + lane % 4 * 2);
      } else {
        if (kScaledBefore) mask_rows(s, a, at, first + lane / 4, key + lane % 4 * 2, keys);
        if (key + kWarpKeys > keys) drop_scores_behind(s, key + lane % 4 * 2, keys);
      }
      rows.weigh(s);
    }
    wait_for_copies<kOnePass ? 0 : 2>();
    __syncthreads();
    if (key < keys) rows.gather(s, v_tiles + slot * kVRow);
    if constexpr (!kOnePass) {
      keep_mask(tile + 1, mask);
      __syncthreads();
      load_keys(tile + 2);
      load_values(tile + 2);
    }
  }
  float* const slots = reinterpret_cast<float*>(memory);
  if (kSplit > 1) {
    if constexpr (kOnePass) __syncthreads();
    if (part > 0) rows.put(slots + warp * kSlotFloats);
    __syncthreads();
    if (part > 0) return;
    for (int i = 1; i < kSplit; ++i) rows.merge(slots + (warp + i) * kSlotFloats);
  }
  rows.finish(keys);
  Y* const y = a.y + at.batch * a.queries * a.y_row + at.head * kV;
  if constexpr (kWidth == 8) {
    if constexpr (kOnePass && kSplit == 1 && !kStagedOverKeys) __syncthreads();  // values are still read
    rows.store_wide(y, a.y_row, first, a.queries, reinterpret_cast<char*>(memory) + warp * kStagedBytes);
  } else {
    rows.store_narrow(y, a.y_row, first, a.queries);
  }
}

extern "C" __global__ void __launch_bounds__(kThreads) attention_narrow(const Arguments a) { run<1>(a); }
)cuda";
}

// Four queries a warp: every lane scores one key of 32 against them, then gathers every 32nd column of the values.
std::string_view attention_fma() {
  return R"cuda(
constexpr int kWarps = 4, kWarpRows = 4, kColumns = (kV + 31) / 32;

__device__ __forceinline__ float warp_max(float x) {
#pragma unroll
  for (int i = 16; i > 0; i /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, i));
  return x;
}
__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
  for (int i = 16; i > 0; i /= 2) x += __shfl_xor_sync(0xffffffffu, x, i);
  return x;
}

extern "C" __global__ void __launch_bounds__(kWarps * 32) attention_fma(const Arguments a) {
  __shared__ Vec<float, kWarpRows> queries[kWarps][kQk];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const Place at(a, kWarps * kWarpRows);
  const int first = at.first + warp * kWarpRows;
  const int keys = kFixedKeys > 0 ? kFixedKeys : a.keys;
  wait_for_inputs();
  let_next_start();
  const T* const q = a.q + at.batch * a.queries * a.q_row + at.head * kQk;
  const T* const k = a.k + at.batch * keys * a.k_row + at.head * kQk;
  const T* const v = a.v + at.batch * keys * a.v_row + at.head * kV;
  for (int d = lane; d < kQk; d += 32) {
#pragma unroll
    for (int r = 0; r < kWarpRows; ++r) {
      queries[warp][d].v[r] = first + r < a.queries ? to_float(q[(first + r) * a.q_row + d]) : 0.f;
    }
  }
  __syncwarp();
  float out[kWarpRows][kColumns] = {}, sum[kWarpRows] = {}, top[kWarpRows];
#pragma unroll
  for (int r = 0; r < kWarpRows; ++r) top[r] = minus_infinity();
  for (int begin = 0; begin < keys; begin += 32) {
    const int key = begin + lane;
    const bool inside = key < keys;
    const T* const row = k + (inside ? key : 0) * a.k_row;
    float s[kWarpRows] = {};
    for (int d = 0; d < kQk; ++d) {
      const float x = to_float(row[d]);
#pragma unroll
      for (int r = 0; r < kWarpRows; ++r) s[r] = fmaf(queries[warp][d].v[r], x, s[r]);
    }
#pragma unroll
    for (int r = 0; r < kWarpRows; ++r) {
      s[r] *= kScale;
      if (kMask != 0 && inside) s[r] += mask_at(a, mask_offset(a, at, first + r), key);
      if (!inside) s[r] = minus_infinity();
      const float next = fmaxf(top[r], warp_max(s[r]));
      const float base = next == minus_infinity() ? 0.f : next, factor = expf(top[r] - base);
      top[r] = next;
      s[r] = expf(s[r] - base);
      sum[r] = sum[r] * factor + warp_sum(s[r]);
#pragma unroll
      for (int e = 0; e < kColumns; ++e) out[r][e] *= factor;
    }
    const int count = min(32, keys - begin);
    for (int j = 0; j < count; ++j) {
      const T* const values = v + (begin + j) * a.v_row;
      float weights[kWarpRows];
#pragma unroll
      for (int r = 0; r < kWarpRows; ++r) weights[r] = __shfl_sync(0xffffffffu, s[r], j);
#pragma unroll
      for (int e = 0; e < kColumns; ++e) {
        const float x = e * 32 + lane < kV ? to_float(values[e * 32 + lane]) : 0.f;
#pragma unroll
        for (int r = 0; r < kWarpRows; ++r) out[r][e] = fmaf(weights[r], x, out[r][e]);
      }
    }
  }
  Y* const y = a.y + at.batch * a.queries * a.y_row + at.head * kV;
#pragma unroll
  for (int r = 0; r < kWarpRows; ++r) {
    const float inverse = inverse_of(sum[r], keys);
#pragma unroll
    for (int e = 0; e < kColumns; ++e) {
      if (first + r < a.queries && e * 32 + lane < kV) {
        y[(first + r) * a.y_row + e * 32 + lane] = from_float<Y>(out[r][e] * inverse);
      }
    }
  }
}
)cuda";
}

}  // namespace burnish::cuda
