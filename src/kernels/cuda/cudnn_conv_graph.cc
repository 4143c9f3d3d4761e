#include "kernels/cuda/cudnn_conv_graph.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/cuda/generated.h"
#include "kernels/cuda/product_epilogue.h"

namespace burnish::cuda {
namespace {

using dnn::Descriptor;

/// -1: the library has no such function.
int mode_of(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::kRelu:
    case ActivationKind::kClip:
    case ActivationKind::kLeakyRelu:
      return dnn::kRelu;
    case ActivationKind::kSigmoid:
      return dnn::kSigmoid;
    case ActivationKind::kTanh:
      return dnn::kTanh;
    case ActivationKind::kSilu:
      return dnn::kSwish;
    case ActivationKind::kGelu:
      return dnn::kGelu;
    case ActivationKind::kGeluTanh:
      return dnn::kGeluTanh;
    default:
      return -1;
  }
}

Descriptor mode(const Activation& activation) {
  Descriptor descriptor = dnn_mode(mode_of(activation.kind));
  if (activation.kind == ActivationKind::kClip) {
    descriptor.set(dnn::kReluLowerClip, dnn::kTypeFloat, activation.alpha);
    descriptor.set(dnn::kReluUpperClip, dnn::kTypeFloat, activation.beta);
  } else if (activation.kind == ActivationKind::kLeakyRelu) {
    descriptor.set(dnn::kReluLowerSlope, dnn::kTypeFloat, activation.alpha);
  }
  return descriptor;
}

bool is_constant_floats(const Problem& problem, int input) {
  const auto i = static_cast<size_t>(input);
  return problem.is_constant[i] && problem.inputs[i].dtype == DType::kFloat32;
}

PackedBlob pack_weights(const Tensor& w, int64_t taps) {
  const size_t bytes = size_of(w.dtype());
  const int64_t channels = w.shape()[1];
  PackedBlob blob(static_cast<size_t>(w.num_elements()) * bytes);
  const auto* from = static_cast<const std::byte*>(w.data());
  for (int64_t i = 0; i < w.num_elements(); ++i) {
    const int64_t tap = i % taps, c = i / taps % channels, o = i / taps / channels;
    const auto to = static_cast<size_t>((o * taps + tap) * channels + c);
    std::memcpy(blob.data() + to * bytes, from + static_cast<size_t>(i) * bytes, bytes);
  }
  return blob;
}

}  // namespace

std::string key_of(const DnnConv& c) {
  const ConvForm& f = c.form;
  const int64_t numbers[] = {f.batch,    f.group,      f.in_h,       f.in_w,        f.out_h,
                             f.out_w,    f.kernel_h,   f.kernel_w,   f.in_channels, f.out_channels,
                             f.stride_h, f.stride_w,   f.dilation_h, f.dilation_w,  f.pad_top,
                             f.pad_left, f.pad_bottom, f.pad_right,  f.x_pixel,     f.y_pixel,
                             f.r_pixel,  c.has_bias,   c.has_scales, c.exact,       static_cast<int64_t>(f.residual)};
  return fmt::format("{} {} {} {} {} {} {}", fmt::join(numbers, ","), name_of(c.type), name_of(c.y_type),
                     name_of(c.r_type), name_of(c.activation.kind), c.activation.alpha, c.activation.beta);
}

bool read_dnn_conv(const Problem& problem, DnnConv& c) {
  if (!read_conv_geometry(problem, c.form) || !c.form.in_nhwc) return false;
  c.type = problem.inputs[0].dtype;
  c.y_type = problem.outputs[0].dtype;
  c.has_bias = problem.has_input(kFusedBias);
  c.has_scales = problem.has_input(kFusedWeightScales);
  if (c.form.residual != Residual::kNone) c.r_type = problem.inputs[kFusedResidual].dtype;
  c.exact = c.type == DType::kFloat32 && problem.attrs->get_int(kAllowTf32, 0) == 0;
  c.activation = activation_of(*problem.attrs);
  // Bounds the wrong way round mean different things here and there.
  const bool clips = c.activation.kind == ActivationKind::kClip;
  return is_real(c.type) && problem.inputs[kFusedWeights].dtype == c.type && is_real(c.y_type) && is_real(c.r_type) &&
         (!c.has_bias || is_constant_floats(problem, kFusedBias)) &&
         (!c.has_scales || is_constant_floats(problem, kFusedWeightScales)) &&
         (c.activation.kind == ActivationKind::kNone || mode_of(c.activation.kind) >= 0) &&
         (!clips || c.activation.alpha < c.activation.beta);
}

std::vector<PackedBlob> pack_dnn_conv(const Problem& problem, const DnnConv& c) {
  std::vector<PackedBlob> blobs = {pack_weights(problem.constants[kFusedWeights], c.form.taps())};
  const auto add = [&](int input, DType type) {
    blobs.push_back(encode_column(
        {problem.constants[static_cast<size_t>(input)].as<float>(), static_cast<size_t>(c.out_channels())}, type));
  };
  if (c.has_bias) add(kFusedBias, c.y_type);
  if (c.has_scales) add(kFusedWeightScales, DType::kFloat32);
  return blobs;
}

DnnConvGraph::DnnConvGraph(const DnnConv& conv, int64_t alignment, const dnn::Site& site) : conv_(conv) {
  const ConvForm& f = conv_.form;
  const Handle x = image(DnnTensor::kX, conv_.type, f.x_pixel, alignment);
  const Handle y = image(DnnTensor::kY, conv_.y_type, f.y_pixel, alignment);
  const int64_t w_dims[] = {conv_.out_channels(), f.in_channels, f.kernel_h, f.kernel_w};
  const int64_t w_strides[] = {f.k(), 1, f.kernel_w * f.in_channels, f.in_channels};
  const Handle w = tensor(static_cast<int64_t>(DnnTensor::kW), {w_dims, w_strides}, conv_.type, kDnnAligned);

  struct Stage {
    Descriptor mode;
    Handle operand;
  };
  std::vector<Stage> stages;
  const auto add_residual = [&] {
    stages.push_back({dnn_mode(dnn::kAdd), image(DnnTensor::kResidual, conv_.r_type, f.r_pixel, alignment)});
  };
  if (conv_.has_scales) stages.push_back({dnn_mode(dnn::kMultiply), column(DnnTensor::kScales, DType::kFloat32)});
  // The residual before the bias: the library's precompiled kernels know this order only.
  if (f.residual == Residual::kBefore) add_residual();
  if (conv_.has_bias) stages.push_back({dnn_mode(dnn::kAdd), column(DnnTensor::kBias, conv_.y_type)});
  if (conv_.activation.kind != ActivationKind::kNone) stages.push_back({mode(conv_.activation), nullptr});
  if (f.residual == Residual::kAfter) add_residual();

  const auto next_sum = [&] { return image(std::nullopt, DType::kFloat32, conv_.out_channels(), kDnnAligned); };
  Handle sum = stages.empty() ? y : next_sum();
  convolve(x, w, sum);
  for (size_t i = 0; i < stages.size(); ++i) {
    const Handle next = i + 1 == stages.size() ? y : next_sum();
    pointwise(stages[i].mode.finalize(), sum, stages[i].operand, next);
    parts_.push_back(std::move(stages[i].mode));
    sum = next;
  }
  finish(site);
}

Handle DnnConvGraph::image(std::optional<DnnTensor> id, DType type, int64_t pixel, int64_t alignment) {
  const ConvForm& f = conv_.form;
  const bool is_input = id == DnnTensor::kX;
  const int64_t height = is_input ? f.in_h : f.out_h, width = is_input ? f.in_w : f.out_w;
  const int64_t dims[] = {f.batch, is_input ? f.all_in_channels() : conv_.out_channels(), height, width};
  const int64_t strides[] = {height * width * pixel, 1, width * pixel, pixel};
  if (!id) return between({dims, strides}, type);
  return tensor(static_cast<int64_t>(*id), {dims, strides}, type, alignment);
}

Handle DnnConvGraph::column(DnnTensor id, DType type) {
  const int64_t channels = conv_.out_channels();
  const int64_t dims[] = {1, channels, 1, 1}, strides[] = {channels, 1, channels, channels};
  return tensor(static_cast<int64_t>(id), {dims, strides}, type, kDnnAligned);
}

void DnnConvGraph::convolve(Handle x, Handle w, Handle y) {
  const ConvForm& f = conv_.form;
  const auto pair = [](int64_t height, int64_t width) { return std::array<int64_t, 2>{height, width}; };
  Descriptor& c = part(dnn::kConvolution);
  const auto set = [&](int name, const std::array<int64_t, 2>& values) {
    c.set(name, dnn::kTypeInt64, std::span<const int64_t>(values));
  };
  c.set(dnn::kConvolutionPrecision, dnn::kTypeDataType, dnn::kFloat);
  c.set(dnn::kConvolutionModeName, dnn::kTypeConvolutionMode, dnn::kCrossCorrelation);
  c.set(dnn::kConvolutionSpatialDims, dnn::kTypeInt64, int64_t{2});
  set(dnn::kConvolutionDilations, pair(f.dilation_h, f.dilation_w));
  set(dnn::kConvolutionStrides, pair(f.stride_h, f.stride_w));
  set(dnn::kConvolutionPrePaddings, pair(f.pad_top, f.pad_left));
  set(dnn::kConvolutionPostPaddings, pair(f.pad_bottom, f.pad_right));
  const Handle convolution = c.finalize().handle();
  Descriptor& operation = part(dnn::kConvolutionForward);
  operation.set(dnn::kForwardConvolution, dnn::kTypeDescriptor, convolution);
  operation.set(dnn::kForwardX, dnn::kTypeDescriptor, x).set(dnn::kForwardW, dnn::kTypeDescriptor, w);
  operation.set(dnn::kForwardY, dnn::kTypeDescriptor, y);
  operation.set(dnn::kForwardAlpha, dnn::kTypeFloat, 1.0F).set(dnn::kForwardBeta, dnn::kTypeFloat, 0.0F);
  add(operation);
}

}  // namespace burnish::cuda
