// The tactics of the CPU: one row each, preferred first. The reference stands last, so that every operator runs.
#include "kernels/cpu/tactics.h"

namespace burnish {

std::span<const Tactic* const> cpu_tactics() {
  // clang-format off
  static const Tactic* const kTable[] = {
      &u8_depthwise_tactic(),
      &depthwise_tactic(),
      &f32_winograd_tactic(),
      &f32_conv_tactic(),
      &f32_gemm_tactic(),
      &u8_conv_tactic(),
      &u8_gemm_tactic(),
      &bf16_winograd_tactic(),
      &bf16_conv_tactic(),
      &bf16_gemm_tactic(),
      &f16_winograd_tactic(),
      &f16_conv_tactic(),
      &f16_gemm_tactic(),
#if BURNISH_WITH_ONEDNN
      &onednn_conv_tactic(),
      &onednn_matmul_tactic(),
#endif
      &attention_tactic(),
      &convert_tactic(),
      &pointwise_tactic(),
      &copy_tactic(),
      &gather_tactic(),
      &normalization_tactic(),
      &softmax_tactic(),
      &pool_tactic(),
      &reduce_tactic(),
      &resize_nearest_tactic(),
      &logic_tactic(),
      &reference_tactic(),
  };
  // clang-format on
  return kTable;
}

}  // namespace burnish
