// The tactics of NVIDIA GPUs: one row each, preferred first. The host stands last, so that every operator runs.
#include "kernels/cuda/tactics.h"

namespace burnish {

std::span<const Tactic* const> cuda_tactics() {
  // clang-format off
  static const Tactic* const kTable[] = {
      &cuda::attention_tactic(),
      &cuda::stem_conv_tactic(),
      &cuda::wgmma_gemm_tactic(),
      &cuda::wgmma_conv_tactic(),
      &cuda::mma_gemm_tactic(),
      &cuda::mma_conv_tactic(),
      &cuda::cublaslt_tactic(),
      &cuda::cudnn_conv_tactic(),
      &cuda::cudnn_attention_tactic(),
      &cuda::depthwise_tactic(),
      &cuda::direct_conv_tactic(),
      &cuda::pointwise_tactic(),
      &cuda::copy_tactic(),
      &cuda::gather_tactic(),
      &cuda::normalization_tactic(),
      &cuda::softmax_tactic(),
      &cuda::reduce_tactic(),
      &cuda::pool_tactic(),
      &cuda::resize_tactic(),
      &cuda::host_tactic(),
  };
  // clang-format on
  return kTable;
}

}  // namespace burnish
