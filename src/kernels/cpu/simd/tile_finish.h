#pragma once
// How the register tile of tile.h ends: from sums in registers to what is stored. For files in this folder only.
#include "kernels/cpu/simd/epilogue.h"
#include "kernels/cpu/simd/narrow.h"

namespace burnish::BURNISH_SIMD {
namespace {

constexpr int kVecs = kPanelColumns / kLanes;  // per panel

/// Where a tile's results go: stored from registers, activated where they lie in C, or by way of a buffer.
enum class Way : uint8_t { kRegisters, kInC, kBuffer };

struct TileArgs {
  const Product* product;
  const char* a;
  const char* b;
  const int32_t* offsets;
  const float* multiplier;
  const float* bias;
  const char* residual;
  char* c;
  const char* next;      // lines wanted soon in the second-level cache…
  int next_lines;        // …this many with every four steps
  int64_t last_columns;  // of the last panel, 1…16
  float low, high;       // the activation, where it is a clamp
  Way way;
};

/// The lanes of vector v of V that are columns of C.
template <int V>
BURNISH_INLINE int64_t lanes_of(int v, int64_t last_columns) {
  const int64_t left = last_columns - static_cast<int64_t>(v % kVecs) * kLanes;
  return v / kVecs + 1 < V / kVecs || left >= kLanes ? kLanes : (left > 0 ? left : 0);
}

/// x = multiplier·sum + bias.
template <typename M, int R, int V>
BURNISH_INLINE void scale_and_shift(const typename M::Sum (&acc)[R][V], const TileArgs& t, Vec (&x)[R][V]) {
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
    const Vec bias = t.bias != nullptr ? load(t.bias + v * kLanes) : zero();
    if (t.multiplier != nullptr) {
      const Vec multiplier = load(t.multiplier + v * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) x[r][v] = fma(M::to_floats(acc[r][v]), multiplier, bias);
    } else {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) x[r][v] = add(M::to_floats(acc[r][v]), bias);
    }
  }
}

template <typename As, int R, int V>
BURNISH_INLINE void add_residual(Vec (&x)[R][V], const TileArgs& t) {
  for (int v = 0; v < V; ++v) {
    const int64_t lanes = lanes_of<V>(v, t.last_columns);
    for (int r = 0; r < R; ++r) {
      const char* residual = t.residual + r * t.product->epilogue.residual_row + v * kLanes * As::kBytes;
      x[r][v] = add(x[r][v], As::load(residual, lanes));
    }
  }
}

template <typename As, int R, int V>
BURNISH_INLINE void store_tile(const Vec (&x)[R][V], const TileArgs& t) {
  const int64_t ldc = t.product->c_row;
  if (t.last_columns == kPanelColumns) {
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) As::store(t.c + r * ldc + v * kLanes * As::kBytes, x[r][v]);
    }
    return;
  }
  for (int v = 0; v < V; ++v) {
    const int64_t lanes = lanes_of<V>(v, t.last_columns);
    for (int r = 0; r < R; ++r) As::store(t.c + r * ldc + v * kLanes * As::kBytes, x[r][v], lanes);
  }
}

template <typename As, int R, int V>
BURNISH_INLINE void finish_in_registers(Vec (&x)[R][V], const TileArgs& t) {
  const Epilogue& e = t.product->epilogue;
  if (t.residual != nullptr && !e.residual_after) add_residual<As>(x, t);
  if (t.way == Way::kRegisters && e.activation != kActNone) {
    const Vec low = set1(t.low);
    const Vec high = set1(t.high);
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) x[r][v] = min(high, max(low, x[r][v]));
    }
  }
  store_tile<As>(x, t);
}

void activate_in_c(const TileArgs& t, int rows, int64_t columns) {
  const Epilogue& e = t.product->epilogue;
  const auto* residual = e.residual_after ? reinterpret_cast<const float*>(t.residual) : nullptr;
  activate_rows({reinterpret_cast<float*>(t.c), t.product->c_row / 4, residual, e.residual_row / 4, rows, columns}, e);
}

template <int R, int V>
BURNISH_INLINE void finish_in_buffer(const Vec (&x)[R][V], const TileArgs& t) {
  alignas(64) float values[R * V * kLanes];
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) store(values + (r * V + v) * kLanes, x[r][v]);
  }
  const int64_t columns = (V / kVecs - 1) * kPanelColumns + t.last_columns;
  base::finish_tile({values, V * kLanes, R, columns, &t.product->epilogue, t.residual, t.c, t.product->c_row});
}

template <int V>
BURNISH_INLINE void add_integers(Vec (&x)[kByteVecs], const TileArgs& t, const char* residual, Vec scale) {
  const bool is_signed = t.product->epilogue.residual_stored == Stored::kInt8;
  const bool whole = t.last_columns == kPanelColumns;
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v, residual += kLanes) {
    const int64_t lanes = lanes_of<V>(v, t.last_columns);
    Whole r;
    if (whole && !is_signed) {
      r = load_uint8(residual);
    } else {
      r = is_signed ? load_int8(residual, lanes) : load_uint8(residual, lanes);
    }
    x[v] = fma(scale, to_floats(r), x[v]);
  }
}

/// Folded epilogues: sums to bytes.
template <typename M, int R, int V>
BURNISH_INLINE void finish_in_bytes(const typename M::Sum (&acc)[R][V], const TileArgs& t) {
  const Epilogue& e = t.product->epilogue;
  const ByteEncoding encoding = byte_encoding(e);
  const int64_t columns = (V / kVecs - 1) * kPanelColumns + t.last_columns;
  const Vec scale = set1(e.residual_scale);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    Vec x[kByteVecs];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      x[v] = fma(M::to_floats(acc[r][v]), load(t.multiplier + v * kLanes), load(t.bias + v * kLanes));
    }
    if (t.residual != nullptr) add_integers<V>(x, t, t.residual + r * e.residual_row, scale);
#pragma GCC unroll 4
    for (int v = V; v < kByteVecs; ++v) x[v] = x[0];
    store_encoded(t.c + r * t.product->c_row, encode_bytes(x, encoding), columns);
  }
}

template <typename M>
Way way_of(const Epilogue& e, bool clamps) {
  const bool before = e.residual != nullptr && !e.residual_after;
  const bool after = e.residual != nullptr && e.residual_after;
  if constexpr (M::kIntegers) {
    if (e.folded) return Way::kRegisters;
  } else {
    const bool fits = e.stored == M::As::kStored && (!before || e.residual_stored == M::As::kStored);
    if (clamps && fits && !after) return Way::kRegisters;
  }
  const bool floats = e.stored == Stored::kFloat && (!after || e.residual_stored == Stored::kFloat);
  return floats && !before ? Way::kInC : Way::kBuffer;
}

}  // namespace
}  // namespace burnish::BURNISH_SIMD
