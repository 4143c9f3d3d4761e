// What follows a product where the fast ways of tile.h do not apply: other types of residuals and results, activations
// that are no clamp. The tile's floats lie in the first-level cache.
#include "kernels/cpu/simd/epilogue.h"
#include "kernels/cpu/simd/narrow.h"

namespace burnish::BURNISH_SIMD {
namespace {

template <typename F>
BURNISH_INLINE void add_each(const TileResults& t, F load_residual) {
  for (int r = 0; r < t.rows; ++r) {
    float* values = t.values + r * t.row;
    for (int64_t i = 0; i < t.columns; i += kLanes, values += kLanes) {
      const int64_t n = t.columns - i < kLanes ? t.columns - i : kLanes;
      store(values, add(load(values), load_residual(r * t.epilogue->residual_row, i, n)));
    }
  }
}

void add_residual(const TileResults& t) {
  const char* from = t.residual;
  const float scale = t.epilogue->residual_scale;
  const auto zero_point = (float)t.epilogue->residual_zero;
  const auto decode = [=](Whole q) { return mul(set1(scale), sub(to_floats(q), set1(zero_point))); };
  switch (t.epilogue->residual_stored) {
    case Stored::kFloat:
      return add_each(t, [=](int64_t at, int64_t i, int64_t n) { return AsFloat::load(from + at + 4 * i, n); });
    case Stored::kBFloat16:
      return add_each(t, [=](int64_t at, int64_t i, int64_t n) { return AsBFloat16::load(from + at + 2 * i, n); });
    case Stored::kHalf:
      return add_each(t, [=](int64_t at, int64_t i, int64_t n) { return AsHalf::load(from + at + 2 * i, n); });
    case Stored::kUInt8:
      return add_each(t, [=](int64_t at, int64_t i, int64_t n) { return decode(load_uint8(from + at + i, n)); });
    case Stored::kInt8:
      return add_each(t, [=](int64_t at, int64_t i, int64_t n) { return decode(load_int8(from + at + i, n)); });
  }
}

template <typename S, typename F>
BURNISH_INLINE void store_each(const TileResults& t, F f) {
  for (int r = 0; r < t.rows; ++r) {
    const float* values = t.values + r * t.row;
    char* c = t.c + r * t.c_row;
    int64_t left = t.columns;
    for (; left >= kLanes; left -= kLanes, values += kLanes, c += kLanes * S::kBytes) S::store(c, f(load(values)));
    if (left > 0) S::store(c, f(load(values)), left);
  }
}

/// N vectors a row, of a tile as wide as that.
template <int N, typename F>
BURNISH_INLINE void store_integer_rows(const TileResults& t, F f) {
  const ByteEncoding encoding = byte_encoding(*t.epilogue);
  const Vec scale = set1(t.epilogue->inverse_scale);
  for (int r = 0; r < t.rows; ++r) {
    Vec x[kByteVecs];
    for (int v = 0; v < N; ++v) x[v] = mul(f(load(t.values + r * t.row + v * kLanes)), scale);
    for (int v = N; v < kByteVecs; ++v) x[v] = x[0];
    store_encoded(t.c + r * t.c_row, encode_bytes(x, encoding), t.columns);
  }
}

template <typename F>
BURNISH_INLINE void store_integers(const TileResults& t, F f) {
#if BURNISH_SIMD_avx512
  if (t.row == 4 * kLanes) return store_integer_rows<4>(t, f);
  if (t.row == 3 * kLanes) return store_integer_rows<3>(t, f);
  if (t.row == kLanes) return store_integer_rows<1>(t, f);
#endif
  store_integer_rows<2>(t, f);
}

void activate_and_store(const TileResults& t) {
  const ActivationSpec& e = *t.epilogue;
  switch (t.epilogue->stored) {
    case Stored::kFloat:
      return with_activation<false>(e, [&](auto f) { store_each<AsFloat>(t, f); });
    case Stored::kBFloat16:
      return with_activation<true>(e, [&](auto f) { store_each<AsBFloat16>(t, f); });
    case Stored::kHalf:
      return with_activation<false>(e, [&](auto f) { store_each<AsHalf>(t, f); });
    case Stored::kUInt8:
    case Stored::kInt8:
      return with_activation<true>(e, [&](auto f) { store_integers(t, f); });
  }
}

/// In place. Rows are whole vectors, dense: one long row.
void activate_values(const TileResults& t) {
  const auto run = [&](auto f) { map_rows({t.values, 0, nullptr, 0, 1, t.rows * t.row}, f); };
  const Stored stored = t.epilogue->stored;
  if (stored == Stored::kFloat || stored == Stored::kHalf) return with_activation<false>(*t.epilogue, run);
  with_activation<true>(*t.epilogue, run);
}

}  // namespace

void finish_tile(const TileResults& t) {
  const Epilogue& e = *t.epilogue;
  if (t.residual == nullptr || !e.residual_after) {
    if (t.residual != nullptr) add_residual(t);
    return activate_and_store(t);
  }
  activate_values(t);
  add_residual(t);
  Epilogue rest = e;
  rest.activation = kActNone;
  TileResults sums = t;
  sums.epilogue = &rest;
  activate_and_store(sums);
}

}  // namespace burnish::BURNISH_SIMD
