#pragma once
// Every tactic of NVIDIA GPUs has one accessor here and one row in table.cc.
#include "kernels/tactic.h"

namespace burnish::cuda {

const Tactic& attention_tactic();
const Tactic& cublaslt_tactic();
const Tactic& mma_gemm_tactic();
const Tactic& mma_conv_tactic();
const Tactic& depthwise_tactic();
const Tactic& direct_conv_tactic();
const Tactic& host_tactic();

}  // namespace burnish::cuda
