#pragma once
// Convolutions: Conv, ConvTranspose, ConvInteger, QLinearConv, DeformConv, Col2Im, CausalConvWithState.
#include <optional>
#include <span>

#include "ops/conv_loops.h"
#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> conv_ops();

/// Output shape of a convolution of input x with the weight input w, each checked; nullopt when a shape is unknown.
std::optional<SymShape> conv_output_shape(const InferContext& c, int x, int w, bool x_nhwc = false,
                                          bool y_nhwc = false);
/// The sizes of a convolution of concrete NCHW shapes; auto_pad is resolved.
ConvSizes conv_sizes(const AttributeMap& attrs, const Shape& x, const Shape& w, const Shape& y);
/// Throws unless the bias input, when present, is a vector of the output's channels.
void check_bias(const InferContext& c, int bias, const Dim& channels);

// The others; see conv_transpose.cc, conv_integer.cc, deform_conv.cc and conv_state.cc.
void infer_conv_transpose(InferContext& c);
void evaluate_conv_transpose(EvalContext& c);
void infer_conv_integer(InferContext& c);
void evaluate_conv_integer(EvalContext& c);
void infer_qlinear_conv(InferContext& c);
void evaluate_qlinear_conv(EvalContext& c);
void infer_deform_conv(InferContext& c);
void evaluate_deform_conv(EvalContext& c);
void infer_col2im(InferContext& c);
void evaluate_col2im(EvalContext& c);
void infer_causal_conv(InferContext& c);
void evaluate_causal_conv(EvalContext& c);

}  // namespace burnish
