#include "ops/conv.h"
#include "ops/fused_table.h"
#include "ops/infer.h"
#include "ops/strided.h"

namespace burnish {
namespace {

/// [N, spatial…, C] ↔ [N, C, spatial…]: swaps channels and pixels of every image.
void swap_channels(const float* from, int64_t batch, int64_t rows, int64_t columns, float* to) {
  const int64_t dims[] = {batch, columns, rows};
  const int64_t from_strides[] = {rows * columns, 1, columns};
  const int64_t to_strides[] = {rows * columns, rows, 1};
  strided_copy(sizeof(float), dims, from, from_strides, to, to_strides);
}

Shape to_nchw(const Shape& shape, bool nhwc) {
  if (!nhwc) return shape;
  Shape s{shape[0], shape.back()};
  for (int i = 1; i + 1 < shape.rank(); ++i) s.push_back(shape[i]);
  return s;
}

}  // namespace

void infer_fused_conv(InferContext& c) {
  require_product_types(c);
  check(auto_pad_of(c.attrs()) == AutoPad::kNotSet, ErrorCode::kInvalidModel, "FusedConv takes explicit pads only");
  const auto out = conv_output_shape(c, 0, 1, is_nhwc(c.attrs(), "input_layout"), is_nhwc(c.attrs(), "output_layout"));
  if (c.has_shape(1) && c.rank(1) > 0) {
    check_bias(c, kFusedBias, c.shape(1)[0]);
    check_bias(c, kFusedWeightScales, c.shape(1)[0]);
  }
  check_epilogue(c, 3, out);
  c.set_output(0, output_encoding(c.attrs()).dtype, out);
}

namespace {

/// Multiplies every channel of an NCHW image.
void scale_channels(const float* scales, int64_t batch, int64_t channels, int64_t pixels, float* y) {
  for (int64_t i = 0; i < batch * channels; ++i, y += pixels) {
    for (int64_t p = 0; p < pixels; ++p) y[p] *= scales[i % channels];
  }
}

void evaluate_on_floats(EvalContext& c) {
  const bool in_nhwc = is_nhwc(c.attrs(), "input_layout");
  const bool out_nhwc = is_nhwc(c.attrs(), "output_layout");
  const TensorView y = c.output(0);
  const Shape in = to_nchw(c.input(0).shape, in_nhwc);
  const Shape out = to_nchw(y.shape, out_nhwc);
  const ConvSizes s = conv_sizes(c.attrs(), in, c.input(1).shape, out);
  Tensor x_nchw, y_nchw;
  const float* x = c.input(0).as<const float>();
  float* result = y.as<float>();
  if (in_nhwc) {
    x_nchw = Tensor(DType::kFloat32, in);
    swap_channels(x, in[0], in.product(2, in.rank()), in[1], x_nchw.as<float>());
    x = x_nchw.as<float>();
  }
  if (out_nhwc) {
    y_nchw = Tensor(DType::kFloat32, out);
    result = y_nchw.as<float>();
  }
  const int64_t pixels = out.product(2, out.rank());
  convolve(s, x, c.input(1).as<const float>(), result);
  if (c.has_input(kFusedWeightScales)) {
    scale_channels(c.input(kFusedWeightScales).as<const float>(), out[0], out[1], pixels, result);
  }
  if (c.has_input(2)) add_channel_bias(c.input(2).as<const float>(), out[0], out[1], pixels, result);
  if (out_nhwc) swap_channels(result, out[0], out[1], pixels, y.as<float>());
  apply_epilogue(c.attrs(), c.has_input(3) ? c.input(3).as<const float>() : nullptr, y.num_elements(), y.as<float>());
}

}  // namespace

void evaluate_fused_conv(EvalContext& c) {
  evaluate_decoded(c, 0, kFusedResidual, evaluate_on_floats);
}

}  // namespace burnish
