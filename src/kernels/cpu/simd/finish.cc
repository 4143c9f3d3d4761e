// What follows a product where the fast ways of tile.h do not apply: other types of residuals and results, activations
// that are no clamp. The tile's floats lie in the first-level cache; every step runs over them once.
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

template <typename S>
void store_each(const TileResults& t) {
  for (int r = 0; r < t.rows; ++r) {
    const float* values = t.values + r * t.row;
    char* c = t.c + r * t.c_row;
    int64_t left = t.columns;
    for (; left >= kLanes; left -= kLanes, values += kLanes, c += kLanes * S::kBytes) S::store(c, load(values));
    if (left > 0) S::store(c, load(values), left);
  }
}

void store_integers(const TileResults& t) {
  const ByteEncoding encoding = byte_encoding(*t.epilogue);
  const Vec scale = set1(t.epilogue->inverse_scale);
  constexpr int64_t kColumns = kByteVecs * kLanes;
  for (int r = 0; r < t.rows; ++r) {
    const float* values = t.values + r * t.row;
    for (int64_t i = 0; i < t.columns; i += kColumns) {
      const int64_t n = t.columns - i < kColumns ? t.columns - i : kColumns;
      Vec x[kByteVecs];
      for (int v = 0; v < kByteVecs; ++v) x[v] = mul(load(values + (v * kLanes < n ? i + v * kLanes : i)), scale);
      store_encoded(t.c + r * t.c_row + i, encode_bytes(x, encoding), n);
    }
  }
}

void store_results(const TileResults& t) {
  switch (t.epilogue->stored) {
    case Stored::kFloat:
      return store_each<AsFloat>(t);
    case Stored::kBFloat16:
      return store_each<AsBFloat16>(t);
    case Stored::kHalf:
      return store_each<AsHalf>(t);
    case Stored::kUInt8:
    case Stored::kInt8:
      return store_integers(t);
  }
}

}  // namespace

void finish_tile(const TileResults& t) {
  const Epilogue& e = *t.epilogue;
  if (t.residual != nullptr && !e.residual_after) add_residual(t);
  // Rows are whole vectors, dense: one long row.
  if (e.activation != kActNone) activate_rows({t.values, 0, nullptr, 0, 1, t.rows * t.row}, e);
  if (t.residual != nullptr && e.residual_after) add_residual(t);
  store_results(t);
}

}  // namespace burnish::BURNISH_SIMD
