#pragma once
// Our fused operators. Their tensors (X, W, R, Q, K, V, x0 … and Y) may be stored in any encoding of ops/encoding.h;
// they mean what they mean on FLOAT, applied to the decoded inputs. Biases, masks and weight scales are FLOAT.
//
// FusedConv(X, W, B?, R?, S?) -> Y
//   Convolution with an epilogue. W is [O, I/group, kH, kW] as in ONNX (1-D and 3-D likewise), B is [O], R has Y's
//   shape. attrs: kernel_shape, strides, pads, dilations, group as Conv (pads always explicit, never auto_pad);
//          activation, act_alpha, act_beta (ops/activation.h);
//          residual: "before" (Y = act(conv + B + R)) or "after" (Y = act(conv + B) + R); absent without R;
//          input_layout, output_layout: "NCHW" (default) or "NHWC": the order of X's dims, and of Y's and R's.
//   S is [O]: what the decoded W is multiplied with, by output channel (INT8 weights have one scale a channel).
//
// FusedMatMul(A, W, B?, R?, S?) -> Y
//   Y = act(alpha · op(A)·op(W) + B [+ R]) [+ R]; batch dims broadcast as in MatMul; B and S are [N]; R has Y's shape;
//   W is multiplied with S by column. attrs: transA, transB (swap the last two dims), alpha; activation…; residual as
//   above.
//
// JoinedConv(X, W, B?) -> Y0, Y1, …        sibling FusedConvs: of one X, alike but for their weights and biases
//   W is [ΣO, I, kH, kW] and B is [ΣO]: the siblings' one behind the other; Yi are parts[i] of the output channels.
//   attrs: parts, one count for each of two to four outputs; those of FusedConv without residual; group is 1.
//
// JoinedMatMul(A, W, B?) -> Y0, Y1, …      sibling FusedMatMuls likewise
//   W is [ΣN, K], B is [ΣN]. attrs: parts; those of FusedMatMul without residual and transA, and with transB=1.
//
// FusedAttention(Q, K, V, mask?) -> Y       multi-head attention without its projections
//   Q [B, S, H·D], K [B, T, H·D], V [B, T, H·E] -> Y [B, S, H·E]; head h owns columns [h·D, (h+1)·D).
//   mask broadcasts to [B, H, S, T]: FLOAT is added to the scaled scores, BOOL keeps where true.
//   attrs: num_heads, scale (multiplies Q·Kᵀ); masked_rows_zero=1: a row whose keys are all masked gives zeros
//          instead of NaN; packed_qkv=1: Q holds [B, S, H·(2D+E)] as q|k|v columns and K, V are absent (D = E then).
//
// Pointwise(x0, x1, …) -> Y                 a chain of elementwise operators over broadcast inputs
//   attrs: program, one instruction a string: "<fn> <operand> [<operand> …]" where an operand is i<k> (input k),
//          t<k> (result of instruction k), or a float literal written "#1.5". The last instruction is Y.
//          fn: add sub mul div pow min max neg abs sqrt exp log reciprocal floor ceil round erf and every activation
//          name ("silu"); clip, leaky_relu and hardsigmoid take their alpha and beta as literals behind the operand.
//          views: how each input is looked at (ops/views.h); absent: as it is.
//
// Layouts: MaxPool, AveragePool, LpPool, GlobalAveragePool, GlobalMaxPool and Resize take the attribute layout="NHWC";
// their X and Y are then [N, spatial…, C]. Everything else is layout-free: its axes are rewritten.
// Resize's roi, scales, sizes and axes still speak of the dims in NCHW order.
#include <string>
#include <string_view>
#include <vector>

#include "ops/activation.h"
#include "ops/encoding.h"
#include "ops/op.h"

namespace burnish {

inline constexpr std::string_view kFusedConv = "FusedConv";
inline constexpr std::string_view kFusedMatMul = "FusedMatMul";
inline constexpr std::string_view kJoinedConv = "JoinedConv";
inline constexpr std::string_view kJoinedMatMul = "JoinedMatMul";
inline constexpr std::string_view kFusedAttention = "FusedAttention";
inline constexpr std::string_view kPointwise = "Pointwise";

/// Attribute of JoinedConv and JoinedMatMul: how many columns each output has.
inline constexpr std::string_view kParts = "parts";
inline constexpr int kMaxParts = 4;
/// FusedConv or JoinedConv.
bool is_conv_op(std::string_view op);
/// Any operator of ours whose weights are input 1 and which ends in an epilogue: FusedConv, FusedMatMul, and joined.
bool is_product_op(std::string_view op);

/// Inputs of FusedConv and FusedMatMul; of joined ones those up to the bias.
inline constexpr int kFusedWeights = 1;
inline constexpr int kFusedBias = 2;
inline constexpr int kFusedResidual = 3;
inline constexpr int kFusedWeightScales = 4;
/// Attribute of both: 1 lets GPUs round FLOAT operands to TF32.
inline constexpr std::string_view kAllowTf32 = "allow_tf32";

enum class Residual { kNone, kBefore, kAfter };
Residual residual_of(const AttributeMap& attrs);
/// True when the attribute says "NHWC". Throws kInvalidModel for anything but NCHW and NHWC.
bool is_nhwc(const AttributeMap& attrs, std::string_view attribute = "layout");

/// Geometry of a convolution or pooling over spatial dims, everything explicit.
struct ConvGeometry {
  std::vector<int64_t> kernel, strides, dilations, pads;  // pads: begins then ends
  int64_t group = 1;
};
/// Reads the attributes; kernel_shape falls back to the weight's spatial dims.
ConvGeometry conv_geometry_of(const AttributeMap& attrs, std::span<const int64_t> weight_spatial);

/// One instruction of a Pointwise program, decoded.
struct PointwiseOperand {
  enum class Kind { kInput, kResult, kLiteral } kind;
  int index = 0;
  float literal = 0;
};
struct PointwiseInstruction {
  std::string fn;
  std::vector<PointwiseOperand> operands;
};
/// Throws kInvalidModel naming the instruction.
std::vector<PointwiseInstruction> parse_pointwise(const AttributeMap& attrs, int num_inputs);

}  // namespace burnish
