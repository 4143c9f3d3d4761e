#pragma once
// Every tactic of NVIDIA GPUs has one accessor here and one row in table.cc.
#include "kernels/tactic.h"

namespace burnish::cuda {

const Tactic& attention_tactic();
const Tactic& cublaslt_tactic();
const Tactic& wgmma_gemm_tactic();
const Tactic& wgmma_conv_tactic();
const Tactic& mma_gemm_tactic();
const Tactic& stem_conv_tactic();
const Tactic& mma_conv_tactic();
const Tactic& depthwise_tactic();
const Tactic& direct_conv_tactic();
const Tactic& cudnn_conv_tactic();
const Tactic& cudnn_attention_tactic();
const Tactic& pointwise_tactic();
const Tactic& copy_tactic();
const Tactic& gather_tactic();
const Tactic& normalization_tactic();
const Tactic& softmax_tactic();
const Tactic& reduce_tactic();
const Tactic& pool_tactic();
const Tactic& resize_tactic();
const Tactic& host_tactic();

}  // namespace burnish::cuda
