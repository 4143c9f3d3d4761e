#include "kernels/cuda/product_epilogue.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/float_types.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/prelude.h"
#include "ops/fused.h"

namespace burnish::cuda {
namespace {

bool has_scales(const Problem& problem) {
  return is_product_op(problem.op) && problem.has_input(kFusedWeightScales);
}

const TensorDesc& input(const Problem& problem, int i) {
  return problem.inputs[static_cast<size_t>(i)];
}

std::string type_or_float(const Problem& problem, int i) {
  return std::string(i != 0 ? type_name(input(problem, i).dtype) : "float");
}

/// A literal that reads back as the same float, infinities included.
std::string literal(float x) {
  if (std::isfinite(x)) return fmt::format("{:a}f", x);
  return fmt::format("__int_as_float(0x{:08x})", std::bit_cast<uint32_t>(x));
}

std::string activation_call(const Problem& problem) {
  if (!is_product_op(problem.op)) return "x";
  const Activation a = activation_of(*problem.attrs);
  switch (a.kind) {
    case ActivationKind::kNone:
      return "x";
    case ActivationKind::kClip:
    case ActivationKind::kHardSigmoid:
      return fmt::format("fn_{}(x, {}, {})", name_of(a.kind), literal(a.alpha), literal(a.beta));
    case ActivationKind::kLeakyRelu:
      return fmt::format("fn_leaky_relu(x, {})", literal(a.alpha));
    default:
      return fmt::format("fn_{}(x)", name_of(a.kind));
  }
}

bool packs_bias(const Problem& problem, const EpilogueForm& form) {
  return form.bias != 0 && is_constant_input(problem, form.bias);
}

/// Where a column's results stand: in the output whose columns it is among.
std::string destination_source(const Problem& problem) {
  std::string s = "__device__ __forceinline__ Destination destination_of(const Epilogue& e, int column) {\n";
  std::string destination = "{e.y + column, e.ldy}";
  int64_t end = 0;
  for (size_t i = 0; i + 1 < problem.outputs.size(); ++i) {
    end += problem.outputs[i].shape.back();
    s += fmt::format("  if (column < {}) return {};\n", end, destination);
    destination = fmt::format("{{e.more_y[{}] + (column - {}), e.more_ldy[{}]}}", i, end, i);
  }
  return s + fmt::format("  return {};\n}}\n", destination);
}

/// Whether no eight columns that are finished at once are of two outputs.
bool has_whole_chunks(const Problem& problem, const EpilogueForm& form) {
  if (problem.outputs.size() == 1) return form.columns % kEpilogueChunk == 0;
  return std::all_of(problem.outputs.begin(), problem.outputs.end(),
                     [](const TensorDesc& output) { return output.shape.back() % kEpilogueChunk == 0; });
}

}  // namespace

float float_at(const Tensor& t, int64_t i) {
  if (t.dtype() == DType::kFloat16) return half_to_float(t.as<uint16_t>()[i]);
  if (t.dtype() == DType::kBFloat16) return bfloat16_to_float(t.as<uint16_t>()[i]);
  return t.as<float>()[i];
}

PackedBlob encode_column(std::span<const float> values, DType dtype) {
  PackedBlob blob(values.size() * size_of(dtype));
  encode(values.data(), {dtype}, TensorView{dtype, Shape{static_cast<int64_t>(values.size())}, blob.data()});
  return blob;
}

bool takes_epilogue(const Problem& problem, const EpilogueForm& form) {
  const auto fits = [&](int i) { return i == 0 || is_real(input(problem, i).dtype); };
  const DType y = problem.outputs[0].dtype;
  const bool alike = std::all_of(problem.outputs.begin(), problem.outputs.end(),
                                 [&](const TensorDesc& output) { return output.dtype == y; });
  return is_real(y) && alike && problem.outputs.size() <= kMaxParts && fits(form.bias) && fits(form.residual);
}

bool packs_epilogue_column(const Problem& problem, const EpilogueForm& form, int i) {
  return is_constant_input(problem, i) &&
         ((i == kFusedWeightScales && has_scales(problem)) || (i != 0 && i == form.bias));
}

bool packs_columns(const Problem& problem, const EpilogueForm& form) {
  return packs_epilogue_column(problem, form, form.bias) || packs_epilogue_column(problem, form, kFusedWeightScales);
}

PackedBlob pack_epilogue_columns(const Problem& problem, const EpilogueForm& form) {
  const int64_t columns = form.columns * form.blocks;
  PackedBlob blob = make_float_blob(2 * columns);
  float* scales = floats_of(blob);
  float* biases = scales + columns;
  const bool scaled = packs_epilogue_column(problem, form, kFusedWeightScales);
  const Tensor& bias = packs_bias(problem, form) ? problem.constants[static_cast<size_t>(form.bias)] : Tensor{};
  for (int64_t i = 0; i < columns; ++i) {
    scales[i] = scaled ? problem.constants[kFusedWeightScales].as<float>()[i] : 1.0F;
    biases[i] = bias.defined() ? float_at(bias, bias.num_elements() == 1 ? 0 : i) : 0.0F;
  }
  return blob;
}

std::string epilogue_source(const Problem& problem, const EpilogueForm& form) {
  const bool packed = packs_bias(problem, form);
  const bool one_bias = !packed && form.bias != 0 && input(problem, form.bias).shape.num_elements() == 1;
  std::string s;
  s += fmt::format("using Y = {};\n", type_name(problem.outputs[0].dtype));
  s += fmt::format("using R = {};\n", type_or_float(problem, form.residual));
  s += fmt::format("using Bias = {};\n", packed ? "float" : type_or_float(problem, form.bias));
  s += fmt::format(
      "constexpr bool kScaled = {}, kBiased = {}, kConstantColumns = {};\n", has_scales(problem), form.bias != 0,
      (form.bias == 0 || packed) && (!has_scales(problem) || is_constant_input(problem, kFusedWeightScales)));
  s += fmt::format("constexpr int kResidual = {}, kBiasStep = {};\n",
                   form.residual == 0 ? 0 : (form.residual_after ? 2 : 1), one_bias ? 0 : 1);
  s += fmt::format("constexpr float kAlpha = {}, kBiasScale = {};\n", literal(form.alpha), literal(form.bias_scale));
  const bool is_narrow = problem.outputs[0].dtype != DType::kFloat32;
  const std::string call = activation_call(problem);
  s += fmt::format("__device__ __forceinline__ float activate(float x) {{ return {}; }}\n",
                   is_narrow ? with_fast_activations(call) : call);
  s += fmt::format("constexpr int kParts = {};\n", problem.outputs.size());
  s += R"cuda(
struct Epilogue {
  Y* y;
  const R* r;
  const float* scale;
  const Bias* bias;
  int64 ldy, ldr;
  int wide;  // rows of Y and R may be read and written 16 bytes at a time
)cuda";
  // The outputs of joined products behind the first.
  if (problem.outputs.size() > 1) s += fmt::format("  Y* more_y[{0}];\n  int64 more_ldy[{0}];\n", kMaxParts - 1);
  s += R"cuda(};
struct Destination {
  Y* y;  // in row 0
  int64 ldy;
};
)cuda";
  return s + destination_source(problem) + R"cuda(
constexpr int kChunk = 8;  // columns that a thread finishes at once

__device__ __forceinline__ float column_scale(const Epilogue& e, int column) {
  return kScaled ? kAlpha * e.scale[column] : kAlpha;
}
__device__ __forceinline__ float column_bias(const Epilogue& e, int column) {
  return kBiased ? kBiasScale * to_float(e.bias[int64(column) * kBiasStep]) : 0.f;
}
template <typename T> __device__ __forceinline__ void load_chunk(const T* p, bool wide, int count, float (&x)[kChunk]) {
  constexpr int kN = 16 / sizeof(T);
  if (wide) {
#pragma unroll
    for (int i = 0; i < kChunk; i += kN) {
      const Vec<T, kN> v = load_vec<T, kN>(p + i);
#pragma unroll
      for (int j = 0; j < kN; ++j) x[i + j] = to_float(v.v[j]);
    }
  } else {
#pragma unroll
    for (int i = 0; i < kChunk; ++i) x[i] = i < count ? to_float(p[i]) : 0.f;
  }
}
template <typename T> __device__ __forceinline__ void store_chunk(T* p, bool wide, int count, const float (&x)[kChunk]) {
  constexpr int kN = 16 / sizeof(T);
  if (wide) {
#pragma unroll
    for (int i = 0; i < kChunk; i += kN) {
      Vec<T, kN> v;
#pragma unroll
      for (int j = 0; j < kN; ++j) v.v[j] = from_float<T>(x[i + j]);
      store_vec<T, kN>(p + i, v);
    }
  } else {
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
      if (i < count) p[i] = from_float<T>(x[i]);
    }
  }
}
__device__ __forceinline__ void store_one(const Epilogue& e, int64 row, int column, float x) {
  const Destination to = destination_of(e, column);
  to.y[row * to.ldy] = from_float<Y>(x);
}
// Columns [column, column + count) of a row, as below.
__device__ __forceinline__ void store_results(const Epilogue& e, int64 row, int column, int count, bool wide,
                                              const float (&x)[kChunk]) {
  if (kParts == 1 || wide) {  // of one output
    const Destination to = destination_of(e, column);
    store_chunk<Y>(to.y + row * to.ldy, wide, count, x);
    return;
  }
#pragma unroll
  for (int i = 0; i < kChunk; ++i) {
    if (i < count) store_one(e, row, column + i, x[i]);
  }
}
// Sums → results: columns [column, column + count) of a row, count ≤ kChunk; wide: kChunk of them, aligned.
__device__ __forceinline__ void finish_chunk(const Epilogue& e, int64 row, int column, int count, bool wide,
                                             const float* scale, const float* bias, float (&x)[kChunk]) {
  float r[kChunk];
  if (kResidual != 0) load_chunk<R>(e.r + row * e.ldr + column, wide, count, r);
#pragma unroll
  for (int i = 0; i < kChunk; ++i) {
    float v = x[i] * scale[i] + bias[i];
    if (kResidual == 1) v += r[i];
    v = activate(v);
    if (kResidual == 2) v += r[i];
    x[i] = v;
  }
  store_results(e, row, column, count, wide, x);
}
// One sum, whose result and residual lie at these places.
__device__ __forceinline__ void finish_one(const Epilogue& e, int64 y_at, int64 r_at, int column, float sum) {
  float v = sum * column_scale(e, column) + column_bias(e, column);
  if (kResidual == 1) v += to_float(e.r[r_at]);
  v = activate(v);
  if (kResidual == 2) v += to_float(e.r[r_at]);
  e.y[y_at] = from_float<Y>(v);
}
)cuda";
}

EpilogueArgs::EpilogueArgs(const Problem& problem, const EpilogueForm& form, std::span<const PackedView> packed,
                           size_t blob)
    : form_(form),
      num_outputs_(problem.outputs.size()),
      y_bytes_(size_of(problem.outputs[0].dtype)),
      whole_chunks_(has_whole_chunks(problem, form)) {
  for (size_t i = 0; i < num_outputs_; ++i) ldy_[i] = problem.outputs[i].ld();
  const int64_t columns = form.columns * form.blocks;
  if (packs_columns(problem, form)) {
    const PackedView view = packed_at(packed, blob);
    check(view.size() == static_cast<size_t>(2 * columns) * sizeof(float), ErrorCode::kCorrupt,
          "packed columns of {} hold {} bytes", problem.op, view.size());
    scale_ = static_cast<const float*>(view.device);
    bias_ = scale_ + columns;
  }
  scale_packed_ = packs_epilogue_column(problem, form, kFusedWeightScales);
  bias_packed_ = packs_bias(problem, form);
  if (form.residual != 0) {
    ldr_ = input(problem, form.residual).ld();
    r_bytes_ = size_of(input(problem, form.residual).dtype);
  }
  has_scales_ = has_scales(problem);
}

EpilogueArgs::Values EpilogueArgs::values(const KernelArgs& args) const {
  Values v;
  v.y = args.outputs[0];
  if (form_.residual != 0) v.r = args.inputs[static_cast<size_t>(form_.residual)];
  v.scale = scale_packed_ || !has_scales_ ? scale_ : args.inputs[kFusedWeightScales];
  v.bias = bias_packed_ || form_.bias == 0 ? bias_ : args.inputs[static_cast<size_t>(form_.bias)];
  v.ldy = ldy_[0];
  v.ldr = ldr_;
  const auto aligned = [](const void* p, int64_t ld, size_t bytes) {
    return (reinterpret_cast<uintptr_t>(p) | static_cast<uintptr_t>(ld) * bytes) % 16 == 0;
  };
  bool wide = whole_chunks_ && (form_.residual == 0 || aligned(v.r, ldr_, r_bytes_));
  for (size_t i = 0; i < num_outputs_; ++i) wide = wide && aligned(args.outputs[i], ldy_[i], y_bytes_);
  v.wide = wide ? 1 : 0;
  for (size_t i = 1; i < num_outputs_; ++i) {
    v.more_y[i - 1] = args.outputs[i];
    v.more_ldy[i - 1] = ldy_[i];
  }
  return v;
}

}  // namespace burnish::cuda
