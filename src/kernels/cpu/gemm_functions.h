#pragma once
// What products of every type share: operand types, the kernels of an instruction set, the split over threads.
#include <span>

#include "kernels/cpu/simd/gemm.h"
#include "kernels/tactic.h"
#include "ops/activation.h"

namespace burnish {

constexpr int64_t round_up(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// The operands of a product: how elements of X and W are stored, and how many of them a step takes.
struct ProductType {
  std::string_view name;  ///< In the names of tactics.
  DType x, w;
  int64_t x_bytes;  ///< An element of X…
  int64_t a_bytes;  ///< … and the same as the kernel wants it.
  int64_t w_bytes;
  int64_t step;  ///< Elements of K.

  bool integers() const { return x == DType::kUInt8; }
  int64_t steps(int64_t k) const { return (k + step - 1) / step; }
  int64_t panel_bytes(int64_t num_steps) const { return num_steps * kPanelColumns * step * w_bytes; }
  /// Of K×N weights whose K are `num_steps` steps.
  int64_t packed_bytes(int64_t num_steps, int64_t n) const {
    return round_up(n, kPanelColumns) / kPanelColumns * panel_bytes(num_steps);
  }
};
inline constexpr ProductType kF32Product{"f32", DType::kFloat32, DType::kFloat32, 4, 4, 4, 1};
inline constexpr ProductType kU8Product{"u8", DType::kUInt8, DType::kInt8, 1, 1, 1, 4};
inline constexpr ProductType kBf16Product{"bf16", DType::kBFloat16, DType::kBFloat16, 2, 2, 2, 2};
inline constexpr ProductType kF16Product{"f16", DType::kFloat16, DType::kFloat16, 2, 4, 2, 1};

/// Sums of this many products of bytes fit an int32.
inline constexpr int64_t kMostIntegerK = INT32_MAX / (255 * 128);

/// nullptr when there are no kernels of ours for this instruction set.
const GemmFunctions* gemm_functions(const ProductType& type, Isa isa);

/// The activation of a fused operator over floats; bias and residual are filled in at run time.
F32Epilogue f32_epilogue_of(const AttributeMap& attrs);

inline bool is_constant_input(const Problem& problem, int input) {
  return input < static_cast<int>(problem.is_constant.size()) && problem.is_constant[static_cast<size_t>(input)];
}

/// Floats as a blob, and back.
PackedBlob make_float_blob(int64_t num_floats);
inline float* floats_of(PackedBlob& blob) {
  return reinterpret_cast<float*>(blob.data());
}
/// Packed blob i. Throws kCorrupt unless it holds exactly this many bytes: an engine file may say anything.
const char* packed_bytes_at(std::span<const PackedView> packed, size_t i, int64_t num_bytes);
inline const float* packed_at(std::span<const PackedView> packed, size_t i, int64_t num_floats) {
  return reinterpret_cast<const float*>(packed_bytes_at(packed, i, num_floats * static_cast<int64_t>(sizeof(float))));
}

/// Floats that k×n packed weights take.
constexpr int64_t packed_floats(int64_t k, int64_t n) {
  return round_up(n, kPanelColumns) * k;
}

/// Splits a product of one group over rows and columns of C, balanced, and blocks its rows for the second-level cache.
void run_split_product(const GemmFunctions& functions, const Product& product, ThreadPool& pool, int64_t l2_bytes);
/// One thread's product of one group, its rows blocked for the second-level cache.
void run_blocked_product(const GemmFunctions& functions, const Product& product, int64_t l2_bytes);
/// Columns [begin, end) of a product, given in panels.
Product product_columns(const Product& product, int64_t panel_begin, int64_t panel_end);
/// The same product, its results `column` columns further on. Leaves B to the caller.
void skip_columns(Product& product, int64_t columns, int64_t padded_columns);
/// Rows [begin, end) of every group.
Product product_rows(const Product& product, int64_t begin, int64_t end);

/// Configurations "panels=N": panels of 16 columns per register tile, N ≥ lowest where the registers allow more.
std::vector<std::string> tile_candidates(const ProductType& type, const Target& target, int lowest);
/// Inverse of the above. Throws kInvalidArgument naming the tactic.
int tile_panels_of(const std::string& config, std::string_view tactic);

/// How many threads share the rows (or groups of rows) and how many the panels.
struct ThreadGrid {
  int rows = 1;
  int panels = 1;
};
/// num_rows: units that cannot be split further.
ThreadGrid choose_thread_grid(int64_t num_rows, int64_t num_panels, int num_threads);

}  // namespace burnish
