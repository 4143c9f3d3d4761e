#include "kernels/cpu/f32_conv_form.h"

#include <algorithm>

namespace burnish {
namespace {

void read_geometry(const ConvGeometry& g, ConvForm& form) {
  const size_t n = g.kernel.size();
  form.group = g.group;
  form.kernel_w = g.kernel[n - 1];
  form.stride_w = g.strides[n - 1];
  form.dilation_w = g.dilations[n - 1];
  form.pad_left = g.pads[n - 1];
  form.pad_right = g.pads[2 * n - 1];
  if (n < 2) return;
  form.kernel_h = g.kernel[0];
  form.stride_h = g.strides[0];
  form.dilation_h = g.dilations[0];
  form.pad_top = g.pads[0];
  form.pad_bottom = g.pads[2];
}

void read_shapes(const Problem& problem, ConvForm& form) {
  const Shape& x = problem.inputs[0].shape;
  const Shape& w = problem.inputs[1].shape;
  const Shape& y = problem.outputs[0].shape;
  const int first = form.in_nhwc ? 1 : 2;  // spatial dim of X
  const bool flat = x.rank() == 3;
  form.batch = x[0];
  form.in_h = flat ? 1 : x[first];
  form.in_w = x[flat ? first : first + 1];
  form.out_h = flat ? 1 : y[1];
  form.out_w = y[flat ? 1 : 2];
  form.in_channels = w[1];
  form.out_channels = w[0] / form.group;
}

bool all_float(const Problem& problem) {
  const auto is_float = [](const TensorDesc& d) { return !d.present() || d.dtype == DType::kFloat32; };
  return std::all_of(problem.inputs.begin(), problem.inputs.end(), is_float) && is_float(problem.outputs[0]) &&
         !problem.has_input(kFusedWeightScales);
}

}  // namespace

bool read_conv_geometry(const Problem& problem, ConvForm& form) {
  if (!is_conv_op(problem.op) || !is_constant_input(problem, 1)) return false;
  const AttributeMap& attrs = *problem.attrs;
  const int rank = problem.inputs[0].shape.rank();
  if (!is_nhwc(attrs, "output_layout") || (rank != 3 && rank != 4)) return false;
  form.in_nhwc = is_nhwc(attrs, "input_layout");
  read_geometry(conv_geometry_of(attrs, problem.inputs[1].shape.dims().subspan(2)), form);
  read_shapes(problem, form);
  form.x_pixel = problem.inputs[0].ld();
  form.y_pixel = problem.outputs[0].ld();
  form.residual = problem.has_input(kConvResidual) ? residual_of(attrs) : Residual::kNone;
  if (form.residual != Residual::kNone) form.r_pixel = problem.inputs[kConvResidual].ld();
  return true;
}

EpilogueForm conv_epilogue_form(const Problem& problem, const ConvForm& form) {
  EpilogueForm e;
  e.columns = form.out_channels;
  e.blocks = form.group;
  if (problem.has_input(kConvBias)) e.bias = kConvBias;
  if (form.residual != Residual::kNone) e.residual = kConvResidual;
  e.residual_after = form.residual == Residual::kAfter;
  return e;
}

bool read_conv_form(const Problem& problem, ConvForm& form) {
  return all_float(problem) && read_conv_geometry(problem, form);
}

void copy_conv_bias(const float* bias, const ConvForm& form, float* padded) {
  const int64_t step = round_up(form.out_channels, kPanelColumns);
  for (int64_t g = 0; g < form.group; ++g) {
    float* to = std::copy_n(bias + g * form.out_channels, form.out_channels, padded + g * step);
    std::fill(to, padded + (g + 1) * step, 0.0F);
  }
}

PackedBlob pack_conv_bias(const Problem& problem, const ConvForm& form) {
  PackedBlob blob = make_float_blob(conv_bias_floats(form));
  copy_conv_bias(problem.constants[kConvBias].as<float>(), form, floats_of(blob));
  return blob;
}

bool packs_conv_input(const Problem& problem, int input) {
  return (input == 1 || (input == kConvBias && problem.has_input(kConvBias))) && is_constant_input(problem, input);
}

bool conv_in_place(const Problem& problem, int input) {
  return input == kConvResidual && problem.has_input(input) && residual_of(*problem.attrs) == Residual::kBefore;
}

const float* packed_conv_bias(const Problem& problem, const ConvForm& form, std::span<const PackedView> packed) {
  return packs_conv_input(problem, kConvBias) ? packed_at(packed, 1, conv_bias_floats(form)) : nullptr;
}

ConvEpilogue::ConvEpilogue(const Problem& problem, const ConvForm& form, const float* bias)
    : epilogue_(f32_epilogue_of(*problem.attrs)) {
  epilogue_.bias = bias;
  copies_bias_ = bias == nullptr && problem.has_input(kConvBias);
  if (copies_bias_) bias_floats_ = conv_bias_floats(form);
  has_residual_ = form.residual != Residual::kNone;
  epilogue_.residual_after = form.residual == Residual::kAfter;
  epilogue_.residual_row = form.r_pixel;
}

int64_t ConvEpilogue::scratch_floats() const {
  return bias_floats_;
}

F32Epilogue ConvEpilogue::epilogue(const KernelArgs& args, const ConvForm& form, float* scratch) const {
  F32Epilogue e = epilogue_;
  if (copies_bias_) {
    copy_conv_bias(static_cast<const float*>(args.inputs[kConvBias]), form, scratch);
    e.bias = scratch;
  }
  if (has_residual_) e.residual = static_cast<const float*>(args.inputs[kConvResidual]);
  return e;
}

}  // namespace burnish
