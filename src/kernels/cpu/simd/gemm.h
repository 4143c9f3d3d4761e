#pragma once
// Products of rows of floats with weights packed in panels, and what follows a product: the one inner loop under
// matrix products and convolutions. See gemm.cc.
#include <stdint.h>

namespace burnish {

/// Columns of a packed panel. Packed weights are [ceil(N/16)][K][16], zeros behind column N, the same for every
/// instruction set.
inline constexpr int64_t kPanelColumns = 16;

/// What happens to a product before it is stored. Values of `activation` are those of ActivationKind.
struct F32Epilogue {
  const float* bias = nullptr;      ///< Per column, readable up to a multiple of kPanelColumns. Null: none.
  const float* residual = nullptr;  ///< Like C. Null: none.
  int64_t residual_row = 0;         ///< Elements between its rows…
  int64_t residual_group = 0;       ///< …and between its groups of rows.
  bool residual_after = false;      ///< Added behind the activation instead of before it.
  int activation = 0;
  float alpha = 0;
  float beta = 0;
};

/// C[g][m] = epilogue(Σ_t A[g·a_group + m·a_row + taps[t] …][k] · B[t·tap_k + k]), for row m of group g.
/// A matrix product has one group and one tap; a convolution has a group per row of pixels and a tap per row of the
/// kernel. All distances in elements.
struct F32Product {
  const float* a = nullptr;
  int64_t a_row = 0, a_group = 0;
  int64_t rows = 0, groups = 1;
  const int64_t* taps = nullptr;  ///< Offsets into A. Null: one tap at zero.
  int64_t num_taps = 1;
  int64_t tap_k = 0;              ///< Consecutive elements of A per tap.
  const float* b = nullptr;       ///< Packed panels.
  int64_t b_panel = 0;            ///< Elements between panels: 16·K.
  const float* b_next = nullptr;  ///< Panels of the product that follows, to be fetched early. Null: not known.
  float* c = nullptr;
  int64_t c_row = 0, c_group = 0;
  int64_t columns = 0;
  F32Epilogue epilogue;
  int tile_panels = 0;  ///< Panels per register tile that the caller prefers; 0: the kernel decides.
};

/// The entries of one instruction set.
struct F32GemmFunctions {
  void (*product)(const F32Product&);
  /// Packs k×n elements b[i·row + j·column] into panels; writes ceil(n/16)·k·16 floats.
  void (*pack)(const float* b, int64_t row, int64_t column, int64_t k, int64_t n, float scale, float* packed);
  /// to[i·channels + c] = from[c·plane + i] for i in [0, count): a row of pixels from planes to channels last.
  void (*interleave)(const float* from, int64_t plane, int64_t channels, int64_t count, float* to);
};

namespace avx2 {
extern const F32GemmFunctions kF32Gemm;
}
namespace avx512 {
extern const F32GemmFunctions kF32Gemm;
}

}  // namespace burnish
