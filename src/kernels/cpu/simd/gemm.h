#pragma once
// Products of rows with weights packed in panels, and what follows a product: the one inner loop under matrix products
// and convolutions, for every type of operands. See tile.h.
#include <stdint.h>

namespace burnish {

/// Columns of a packed panel. Packed weights are [ceil(N/16)][steps][16][elements of a step], zeros behind row K and
/// column N, the same for every instruction set.
inline constexpr int64_t kPanelColumns = 16;
/// Bytes of a row of A that a step takes: one float, two bfloat16, four integers. Half floats are widened to floats
/// beforehand.
inline constexpr int64_t kStepBytes = 4;

/// Values of `activation` are those of ActivationKind.
struct ActivationSpec {
  int activation = 0;
  float alpha = 0;
  float beta = 0;
};

/// What happens to floats before they are stored as floats.
struct F32Epilogue : ActivationSpec {
  const float* bias = nullptr;      ///< Per column, readable up to a multiple of kPanelColumns. Null: none.
  const float* residual = nullptr;  ///< Like C. Null: none.
  int64_t residual_row = 0;         ///< Elements between its rows…
  int64_t residual_group = 0;       ///< …and between its groups of rows.
  bool residual_after = false;      ///< Added behind the activation instead of before it.
};

/// How elements are stored in memory. Integers stand for scale·(q − zero).
enum class Stored : uint8_t { kFloat, kBFloat16, kHalf, kUInt8, kInt8 };

constexpr int64_t stored_bytes(Stored stored) {
  if (stored == Stored::kFloat) return 4;
  return stored == Stored::kBFloat16 || stored == Stored::kHalf ? 2 : 1;
}

/// What happens to a product before it is stored: C = encode(act(multiplier·product + bias [+ R]) [+ R]).
/// What is per column is readable up to a multiple of kPanelColumns; null: none. Distances in bytes.
struct Epilogue : ActivationSpec {
  const int32_t* offsets = nullptr;  ///< Where the sums of integer products start: −zero·Σ weights. Never null there.
  const float* multiplier = nullptr;  ///< Never null for integer products.
  const float* bias = nullptr;
  const char* residual = nullptr;
  int64_t residual_row = 0, residual_group = 0;
  bool residual_after = false;
  Stored residual_stored = Stored::kFloat;
  float residual_scale = 1;
  int32_t residual_zero = 0;
  Stored stored = Stored::kFloat;
  float inverse_scale = 1;  ///< Of C.
  int32_t zero = 0;
  /// The activation is a clamp, C and a residual before it are integers, and C's scale and the residual's zero point
  /// are folded into multiplier, bias and residual_scale: what is left is rounding and a clamp of bytes.
  bool folded = false;
  uint8_t low = 0, high = 255;  ///< That clamp, as UINT8: of INT8 results 128 more.
};

/// C[g][m] = epilogue(Σ_t A[g·a_group + m·a_row + taps[t] …][k] · B[t·tap_k + k]), for row m of group g.
/// A matrix product has one group and one tap; a convolution has a group per row of pixels and a tap per row of the
/// kernel. All distances in bytes.
struct Product {
  const char* a = nullptr;
  int64_t a_row = 0, a_group = 0;
  int64_t rows = 0, groups = 1;
  const int64_t* taps = nullptr;  ///< Offsets into A. Null: one tap at zero.
  int64_t num_taps = 1;
  int64_t tap_steps = 0;         ///< Steps per tap, of kStepBytes consecutive bytes of A each.
  const char* b = nullptr;       ///< Packed panels.
  int64_t b_panel = 0;           ///< Between panels.
  const char* b_next = nullptr;  ///< Panels of the product that follows, to be fetched early. Null: not known.
  char* c = nullptr;
  int64_t c_row = 0, c_group = 0;
  int64_t columns = 0;
  Epilogue epilogue;
  int tile_panels = 0;  ///< Panels per register tile that the caller prefers; 0: the kernel decides.
};

/// The entries of one type of operands on one instruction set.
struct GemmFunctions {
  void (*product)(const Product&);
  /// Packs k×n elements b[i·row + j·column] into panels. Only floats are scaled.
  void (*pack)(const void* b, int64_t row, int64_t column, int64_t k, int64_t n, float scale, void* packed);
  /// to[i·channels + c] = from[c·plane + i] for i in [0, count): a row of pixels from planes to channels last, as A
  /// wants them.
  void (*interleave)(const void* from, int64_t plane, int64_t channels, int64_t count, void* to);
  /// `count` elements of X as A wants them. Null where they are the same.
  void (*widen)(const void* from, int64_t count, void* to);
};

/// A finished tile that did not fit the fast ways: rows × columns of products with multiplier and bias, floats, dense
/// in whole vectors.
struct TileResults {
  float* values = nullptr;
  int64_t row = 0;  ///< Floats from row to row, a multiple of a vector.
  int rows = 0;
  int64_t columns = 0;
  const Epilogue* epilogue = nullptr;
  const char* residual = nullptr;  ///< Of the tile.
  char* c = nullptr;
  int64_t c_row = 0;
};

#define BURNISH_GEMM_ENTRIES                                                                                   \
  void pack_f32(const void* b, int64_t row, int64_t column, int64_t k, int64_t n, float scale, void* packed);  \
  void pack_u8(const void* b, int64_t row, int64_t column, int64_t k, int64_t n, float scale, void* packed);   \
  void pack_bf16(const void* b, int64_t row, int64_t column, int64_t k, int64_t n, float scale, void* packed); \
  void pack_f16(const void* b, int64_t row, int64_t column, int64_t k, int64_t n, float scale, void* packed);  \
  void interleave_f32(const void* from, int64_t plane, int64_t channels, int64_t count, void* to);             \
  void interleave_u8(const void* from, int64_t plane, int64_t channels, int64_t count, void* to);              \
  void interleave_bf16(const void* from, int64_t plane, int64_t channels, int64_t count, void* to);            \
  void interleave_f16(const void* from, int64_t plane, int64_t channels, int64_t count, void* to);             \
  void widen_f16(const void* from, int64_t count, void* to);                                                   \
  void finish_tile(const TileResults& results);                                                                \
  void product_f32(const Product& p);                                                                          \
  void product_u8(const Product& p);                                                                           \
  void product_bf16(const Product& p);                                                                         \
  void product_f16(const Product& p);

namespace avx2 {
BURNISH_GEMM_ENTRIES
}
namespace avx512 {
BURNISH_GEMM_ENTRIES
}
namespace avx512vnni {
void product_u8(const Product& p);
}
namespace avx512bf16 {
void finish_tile(const TileResults& results);
void product_bf16(const Product& p);
}
#undef BURNISH_GEMM_ENTRIES

}  // namespace burnish
