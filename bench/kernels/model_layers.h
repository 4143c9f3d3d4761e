#pragma once
// The products and convolutions of real models, for the programs that time them layer by layer.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "kernels/tactic.h"
#include "ops/activation.h"
#include "ops/fused.h"

namespace burnish {

/// How tensors are stored, and the tactics that take them.
struct Precision {
  std::string name;
  Encoding x, w;
};
inline const Precision kPrecisions[] = {{"f32", {}, {}},
                                        {"bf16", {DType::kBFloat16}, {DType::kBFloat16}},
                                        {"f16", {DType::kFloat16}, {DType::kFloat16}},
                                        {"u8", {DType::kUInt8, 0.02F, 121}, {DType::kInt8}}};

struct Layer {
  std::string name;
  int count = 1;
  double gflop = 0;
  std::string op;
  AttributeMap attrs;
  std::vector<Shape> inputs;  // 1 and 2 are constants
  Shape output;
};

inline Tensor filled(DType dtype, const Shape& shape, int seed) {
  Tensor t(DType::kFloat32, shape);
  uint32_t state = 0x9e3779b9U * static_cast<uint32_t>(seed + 1);
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    state = state * 1664525U + 1013904223U;
    t.as<float>()[i] = static_cast<float>(state >> 8) * 0x1p-23F - 1;
  }
  Tensor encoded(dtype, shape);
  encode(t.as<float>(), {dtype, 1 / 128.0F, dtype == DType::kUInt8 ? 128 : 0}, encoded.view());
  return encoded;
}

/// The layer's tensors stored as a precision has them; integers with scales per channel.
inline void store_as(const Precision& precision, Layer& l) {
  if (precision.name == "f32") return;
  l.inputs.resize(4);
  l.inputs.push_back({l.output.back()});
  for (const int i : {0, 1, 3}) {
    set_input_encoding(l.attrs, i, 5, i == 1 ? precision.w : precision.x);
  }
  Encoding y = precision.x;
  if (activation_of(l.attrs).kind == ActivationKind::kRelu) y.zero = 0;
  set_output_encoding(l.attrs, y);
}

inline Layer matmul(int count, int64_t m, int64_t k, int64_t n, ActivationKind act = ActivationKind::kNone,
                    bool residual = false) {
  Layer l{fmt::format("{}x{}x{}{}", m, k, n, residual ? " +R" : ""),
          count,
          2e-9 * static_cast<double>(m * k * n),
          std::string(kFusedMatMul),
          {},
          {{m, k}, {k, n}, {n}},
          {m, n}};
  set_activation(l.attrs, {act, 0, 0});
  if (residual) {
    l.attrs.set("residual", std::string("before"));
    l.inputs.push_back(l.output);
  }
  return l;
}

struct ConvSpec {
  int count;
  int64_t size, in, out, kernel, stride;
  bool residual = false;
  int64_t pad = -1;  // -1: half the kernel
  bool depthwise = false;
};

inline Layer conv(int64_t batch, const ConvSpec& s, ActivationKind act) {
  const int64_t pad = s.pad >= 0 ? s.pad : s.kernel / 2;
  const int64_t out_size = (s.size + 2 * pad - s.kernel) / s.stride + 1;
  const bool image = s.in == 3;
  const int64_t in_per_group = s.depthwise ? 1 : s.in;
  Layer l;
  l.name = fmt::format("{}x{} {}>{} k{} s{}{}{}", s.size, s.size, s.in, s.out, s.kernel, s.stride,
                       s.residual ? " +R" : "", s.depthwise ? " dw" : "");
  l.count = s.count;
  l.gflop = 2e-9 * static_cast<double>(batch * out_size * out_size * s.out * in_per_group * s.kernel * s.kernel);
  l.op = kFusedConv;
  l.inputs = {image ? Shape{batch, s.in, s.size, s.size} : Shape{batch, s.size, s.size, s.in},
              {s.out, in_per_group, s.kernel, s.kernel},
              {s.out}};
  l.output = {batch, out_size, out_size, s.out};
  l.attrs.set("kernel_shape", std::vector<int64_t>{s.kernel, s.kernel});
  l.attrs.set("strides", std::vector<int64_t>{s.stride, s.stride});
  l.attrs.set("pads", std::vector<int64_t>{pad, pad, pad, pad});
  l.attrs.set("group", s.depthwise ? s.in : int64_t{1});
  l.attrs.set("input_layout", std::string(image ? "NCHW" : "NHWC"));
  l.attrs.set("output_layout", std::string("NHWC"));
  set_activation(l.attrs, {act, 0, 0});
  if (s.residual) {
    l.attrs.set("residual", std::string("before"));
    l.inputs.push_back(l.output);
  }
  return l;
}

inline std::vector<Layer> resnet50(int64_t b) {
  const ConvSpec specs[] = {{1, 224, 3, 64, 7, 2},          {1, 56, 64, 64, 1, 1},    {3, 56, 64, 64, 3, 1},
                            {3, 56, 64, 256, 1, 1, true},   {1, 56, 64, 256, 1, 1},   {2, 56, 256, 64, 1, 1},
                            {1, 56, 256, 128, 1, 1},        {1, 56, 128, 128, 3, 2},  {1, 56, 256, 512, 1, 2},
                            {4, 28, 128, 512, 1, 1, true},  {3, 28, 512, 128, 1, 1},  {3, 28, 128, 128, 3, 1},
                            {1, 28, 512, 256, 1, 1},        {1, 28, 256, 256, 3, 2},  {1, 28, 512, 1024, 1, 2},
                            {6, 14, 256, 1024, 1, 1, true}, {5, 14, 1024, 256, 1, 1}, {5, 14, 256, 256, 3, 1},
                            {1, 14, 1024, 512, 1, 1},       {1, 14, 512, 512, 3, 2},  {1, 14, 1024, 2048, 1, 2},
                            {3, 7, 512, 2048, 1, 1, true},  {2, 7, 2048, 512, 1, 1},  {2, 7, 512, 512, 3, 1}};
  std::vector<Layer> layers;
  for (const ConvSpec& s : specs) layers.push_back(conv(b, s, ActivationKind::kRelu));
  layers.push_back(matmul(1, b, 2048, 1000));
  return layers;
}

inline std::vector<Layer> yolov5s(int64_t b) {
  const ConvSpec specs[] = {
      {1, 640, 3, 32, 6, 2, false, 2}, {1, 320, 32, 64, 3, 2},   {2, 160, 64, 32, 1, 1},  {1, 160, 32, 32, 1, 1},
      {1, 160, 32, 32, 3, 1},          {1, 160, 64, 64, 1, 1},   {1, 160, 64, 128, 3, 2}, {2, 80, 128, 64, 1, 1},
      {3, 80, 64, 64, 1, 1},           {3, 80, 64, 64, 3, 1},    {2, 80, 128, 128, 1, 1}, {1, 80, 128, 256, 3, 2},
      {5, 40, 256, 128, 1, 1},         {5, 40, 128, 128, 1, 1},  {5, 40, 128, 128, 3, 1}, {3, 40, 256, 256, 1, 1},
      {1, 40, 256, 512, 3, 2},         {6, 20, 512, 256, 1, 1},  {2, 20, 256, 256, 1, 1}, {2, 20, 256, 256, 3, 1},
      {2, 20, 512, 512, 1, 1},         {1, 20, 1024, 512, 1, 1}, {2, 40, 512, 128, 1, 1}, {2, 80, 256, 64, 1, 1},
      {1, 80, 128, 128, 3, 2},         {1, 40, 256, 256, 3, 2},  {1, 80, 128, 255, 1, 1}, {1, 40, 256, 255, 1, 1},
      {1, 20, 512, 255, 1, 1}};
  std::vector<Layer> layers;
  for (const ConvSpec& s : specs) layers.push_back(conv(b, s, ActivationKind::kSilu));
  return layers;
}

inline std::vector<Layer> mobile(int64_t b) {
  const ConvSpec specs[] = {{1, 224, 3, 32, 3, 2},
                            {1, 112, 32, 32, 3, 1, false, -1, true},
                            {1, 112, 96, 96, 3, 2, false, -1, true},
                            {1, 56, 144, 144, 3, 1, false, -1, true},
                            {1, 28, 192, 192, 5, 1, false, -1, true},
                            {1, 14, 576, 576, 3, 2, false, -1, true}};
  std::vector<Layer> layers;
  for (const ConvSpec& s : specs) layers.push_back(conv(b, s, ActivationKind::kHardSwish));
  return layers;
}

inline std::vector<Layer> transformer(int num_layers, int64_t rows, int64_t hidden, int64_t inner) {
  return {matmul(num_layers, rows, hidden, 3 * hidden), matmul(num_layers, rows, hidden, hidden, {}, true),
          matmul(num_layers, rows, hidden, inner, ActivationKind::kGelu),
          matmul(num_layers, rows, inner, hidden, {}, true)};
}

}  // namespace burnish
