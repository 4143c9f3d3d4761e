#pragma once
// Every tactic of the CPU has one accessor here and one row in table.cc.
#include "kernels/tactic.h"

namespace burnish {

const Tactic& copy_tactic();
const Tactic& convert_tactic();
const Tactic& pointwise_tactic();
const Tactic& normalization_tactic();
const Tactic& pool_tactic();
const Tactic& reduce_tactic();
const Tactic& softmax_tactic();
const Tactic& resize_nearest_tactic();
const Tactic& gather_tactic();
const Tactic& f32_conv_tactic();
const Tactic& depthwise_tactic();
const Tactic& u8_depthwise_tactic();
const Tactic& f32_gemm_tactic();
const Tactic& f32_winograd_tactic();
const Tactic& bf16_winograd_tactic();
const Tactic& f16_winograd_tactic();
const Tactic& u8_conv_tactic();
const Tactic& u8_gemm_tactic();
const Tactic& bf16_conv_tactic();
const Tactic& bf16_gemm_tactic();
const Tactic& f16_conv_tactic();
const Tactic& f16_gemm_tactic();
const Tactic& attention_tactic();
#if BURNISH_WITH_ONEDNN
const Tactic& onednn_conv_tactic();
const Tactic& onednn_matmul_tactic();
#endif
const Tactic& logic_tactic();
const Tactic& reference_tactic();

}  // namespace burnish
