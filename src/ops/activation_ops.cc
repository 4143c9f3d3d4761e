// The activation functions as operators. Formulas: ONNX's operator pages.
#include <array>
#include <cmath>
#include <numbers>

#include "ops/unary.h"
#include "ops/unary_map.h"

namespace burnish {
namespace {

template <typename T>
T sigmoid(T x) {
  const T e = std::exp(-std::fabs(x));  // of a non-positive number only: it cannot overflow
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

template <typename T>
T softplus(T x) {
  return std::fmax(x, T{0}) + std::log1p(std::exp(-std::fabs(x)));
}

template <typename T>
T unit_clamp(T x) {
  return x < 0 ? T{0} : x > 1 ? T{1} : x;
}

void evaluate_relu(EvalContext& c) {
  map_number(c, []<typename T>(T x) { return x < T{0} ? T{0} : x; });
}

void evaluate_sigmoid(EvalContext& c) {
  map_float(c, [](auto x) { return sigmoid(x); });
}

void evaluate_softplus(EvalContext& c) {
  map_float(c, [](auto x) { return softplus(x); });
}

void evaluate_softsign(EvalContext& c) {
  map_float(c, [](auto x) { return x / (1 + std::fabs(x)); });
}

void evaluate_mish(EvalContext& c) {
  map_float(c, [](auto x) { return x * std::tanh(softplus(x)); });
}

void evaluate_swish(EvalContext& c) {
  const float alpha = c.attrs().get_float("alpha", 1);
  map_float(c, [alpha]<typename T>(T x) { return x * sigmoid(static_cast<T>(alpha) * x); });
}

void infer_gelu(InferContext& c) {
  infer_float_unary(c);
  static constexpr std::array<std::string_view, 2> kChoices{"none", "tanh"};
  require_choice("approximate", c.attrs().get_string("approximate", "none"), kChoices);
}

void evaluate_gelu(EvalContext& c) {
  if (c.attrs().get_string("approximate", "none") == "tanh") {
    return map_float(c, []<typename T>(T x) {
      constexpr T kScale = std::numbers::sqrt2_v<T> * std::numbers::inv_sqrtpi_v<T>;
      return T{0.5} * x * (1 + std::tanh(kScale * (x + T{0.044715} * x * x * x)));
    });
  }
  map_float(c, []<typename T>(T x) { return T{0.5} * x * (1 + std::erf(x * (std::numbers::sqrt2_v<T> / 2))); });
}

void evaluate_hard_swish(EvalContext& c) {
  map_float(c, []<typename T>(T x) { return x * unit_clamp(x / 6 + T{0.5}); });
}

void evaluate_hard_sigmoid(EvalContext& c) {
  const float alpha = c.attrs().get_float("alpha", 0.2F);
  const float beta = c.attrs().get_float("beta", 0.5F);
  map_float(c, [=]<typename T>(T x) { return unit_clamp(static_cast<T>(alpha) * x + static_cast<T>(beta)); });
}

void evaluate_leaky_relu(EvalContext& c) {
  const float alpha = c.attrs().get_float("alpha", 0.01F);
  map_float(c, [=]<typename T>(T x) { return x < 0 ? static_cast<T>(alpha) * x : x; });
}

void evaluate_thresholded_relu(EvalContext& c) {
  const float alpha = c.attrs().get_float("alpha", 1);
  map_float(c, [=]<typename T>(T x) { return x > static_cast<T>(alpha) ? x : T{0}; });
}

void evaluate_elu(EvalContext& c) {
  const float alpha = c.attrs().get_float("alpha", 1);
  map_float(c, [=]<typename T>(T x) { return x < 0 ? static_cast<T>(alpha) * std::expm1(x) : x; });
}

void evaluate_celu(EvalContext& c) {
  const float alpha = c.attrs().get_float("alpha", 1);
  map_float(c, [=]<typename T>(T x) {
    const T a = static_cast<T>(alpha);
    return std::fmax(T{0}, x) + std::fmin(T{0}, a * std::expm1(x / a));
  });
}

void evaluate_selu(EvalContext& c) {
  const float alpha = c.attrs().get_float("alpha", 1.67326319217681884765625F);
  const float gamma = c.attrs().get_float("gamma", 1.05070102214813232421875F);
  map_float(
      c, [=]<typename T>(T x) { return static_cast<T>(gamma) * (x > 0 ? x : static_cast<T>(alpha) * std::expm1(x)); });
}

void evaluate_shrink(EvalContext& c) {
  const double lambd = c.attrs().get_float("lambd", 0.5F);
  const double bias = c.attrs().get_float("bias", 0);
  map_as<double>(c, [=](double x) { return x < -lambd ? x + bias : x > lambd ? x - bias : 0; });
}

void infer_clip(InferContext& c) {
  require_same_dtype(c, 0, 1);
  require_same_dtype(c, 0, 2);
  infer_number_unary(c);
}

template <typename T>
T scalar_or(const EvalContext& c, int i, T fallback) {
  if (!c.has_input(i)) return fallback;
  const Source<T> bound(c.input(i));
  check(bound.size() == 1, ErrorCode::kInvalidModel, "input {} must be one number, not {}", i,
        to_string(bound.shape()));
  return bound[0];
}

void evaluate_clip(EvalContext& c) {
  with_compute(c.input(0).dtype, [&]<typename T>(T) {
    using Limits = std::numeric_limits<T>;
    const T low = scalar_or(c, 1, Limits::has_infinity ? -Limits::infinity() : Limits::lowest());
    const T high = scalar_or(c, 2, Limits::has_infinity ? Limits::infinity() : Limits::max());
    map_as<T>(c, [=](T x) {
      const T raised = x < low ? low : x;  // NaN stays
      return high < raised ? high : raised;
    });
  });
}

const std::array kRows{
    OpDescriptor{"Relu", 1, 1, 1, 1, infer_number_unary, evaluate_relu, kElementwise},
    OpDescriptor{"Sigmoid", 1, 1, 1, 1, infer_float_unary, evaluate_sigmoid, kElementwise},
    OpDescriptor{"Softplus", 1, 1, 1, 1, infer_float_unary, evaluate_softplus, kElementwise},
    OpDescriptor{"Softsign", 1, 1, 1, 1, infer_float_unary, evaluate_softsign, kElementwise},
    OpDescriptor{"Mish", 1, 1, 1, 1, infer_float_unary, evaluate_mish, kElementwise},
    OpDescriptor{"Swish", 1, 1, 1, 1, infer_float_unary, evaluate_swish, kElementwise},
    OpDescriptor{"Gelu", 1, 1, 1, 1, infer_gelu, evaluate_gelu, kElementwise},
    OpDescriptor{"HardSwish", 1, 1, 1, 1, infer_float_unary, evaluate_hard_swish, kElementwise},
    OpDescriptor{"HardSigmoid", 1, 1, 1, 1, infer_float_unary, evaluate_hard_sigmoid, kElementwise},
    OpDescriptor{"LeakyRelu", 1, 1, 1, 1, infer_float_unary, evaluate_leaky_relu, kElementwise},
    OpDescriptor{"ThresholdedRelu", 1, 1, 1, 1, infer_float_unary, evaluate_thresholded_relu, kElementwise},
    OpDescriptor{"Elu", 1, 1, 1, 1, infer_float_unary, evaluate_elu, kElementwise},
    OpDescriptor{"Celu", 1, 1, 1, 1, infer_float_unary, evaluate_celu, kElementwise},
    OpDescriptor{"Selu", 1, 1, 1, 1, infer_float_unary, evaluate_selu, kElementwise},
    OpDescriptor{"Shrink", 1, 1, 1, 1, infer_number_unary, evaluate_shrink, kElementwise},
    OpDescriptor{"Clip", 1, 3, 1, 1, infer_clip, evaluate_clip, kElementwise},
};

}  // namespace

std::span<const OpDescriptor> activation_ops() {
  return kRows;
}

}  // namespace burnish
