#pragma once
// What the FP32 products share: the kernels of an instruction set, epilogues from attributes, the split over threads.
#include <span>

#include "kernels/cpu/simd/gemm.h"
#include "kernels/tactic.h"
#include "ops/activation.h"

namespace burnish {

/// nullptr when there are no kernels of ours for this instruction set.
const F32GemmFunctions* f32_gemm_functions(Isa isa);

/// The activation of a fused operator; bias and residual are filled in at run time.
F32Epilogue f32_epilogue_of(const AttributeMap& attrs);

inline bool is_constant_input(const Problem& problem, int input) {
  return input < static_cast<int>(problem.is_constant.size()) && problem.is_constant[static_cast<size_t>(input)];
}

/// Floats as a blob, and back.
PackedBlob make_float_blob(int64_t num_floats);
inline float* floats_of(PackedBlob& blob) {
  return reinterpret_cast<float*>(blob.data());
}
/// Packed blob i. Throws kCorrupt unless it holds exactly this many floats: an engine file may say anything.
const float* packed_at(std::span<const PackedView> packed, size_t i, int64_t num_floats);

constexpr int64_t round_up(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}
/// Floats that k×n packed weights take.
constexpr int64_t packed_floats(int64_t k, int64_t n) {
  return round_up(n, kPanelColumns) * k;
}

/// The bias, or zeros when it is undefined, times scale and padded to whole panels.
PackedBlob pack_bias(const Tensor& bias, int64_t n, float scale = 1);

/// Splits a product of one group over rows and columns of C, balanced, and blocks its rows for the second-level cache.
void run_split_product(const F32GemmFunctions& functions, const F32Product& product, ThreadPool& pool,
                       int64_t l2_bytes);
/// One thread's product of one group, its rows blocked for the second-level cache.
void run_blocked_product(const F32GemmFunctions& functions, const F32Product& product, int64_t l2_bytes);
/// Columns [begin, end) of a product, given in panels.
F32Product product_columns(const F32Product& product, int64_t panel_begin, int64_t panel_end);
/// Rows [begin, end) of every group.
F32Product product_rows(const F32Product& product, int64_t begin, int64_t end);

/// Configurations "panels=N": panels of 16 columns per register tile, N ≥ lowest; AVX2 knows only one.
std::vector<std::string> tile_candidates(const Target& target, int lowest);
/// Inverse of the above. Throws kInvalidArgument naming the tactic.
int tile_panels_of(const std::string& config, std::string_view tactic);

/// How many threads share the rows (or groups of rows) and how many the panels.
struct ThreadGrid {
  int rows = 1;
  int panels = 1;
};
/// row_cost: elements of A read per row; num_rows: units that cannot be split further.
ThreadGrid choose_thread_grid(int64_t num_rows, int64_t num_panels, int num_threads);

}  // namespace burnish
