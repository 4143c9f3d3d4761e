#include "ops/activation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace burnish {
namespace {

constexpr std::array<std::string_view, 11> kNames{"none", "relu", "clip",      "leaky_relu", "sigmoid",    "tanh",
                                                  "silu", "gelu", "gelu_tanh", "hardswish",  "hardsigmoid"};

float sigmoid(float x) {
  // exp of a non-positive number only: it cannot overflow.
  const float e = std::exp(-std::fabs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

float gelu_tanh(float x) {
  constexpr float kScale = std::numbers::sqrt2_v<float> * std::numbers::inv_sqrtpi_v<float>;
  return 0.5F * x * (1 + std::tanh(kScale * (x + 0.044715F * x * x * x)));
}

}  // namespace

std::string_view name_of(ActivationKind kind) {
  return kNames[static_cast<size_t>(kind)];
}

ActivationKind parse_activation(std::string_view name) {
  const auto it = std::find(kNames.begin(), kNames.end(), name);
  check(it != kNames.end(), ErrorCode::kInvalidModel, "'{}' is no activation", name);
  return static_cast<ActivationKind>(it - kNames.begin());
}

Activation activation_of(const AttributeMap& attrs) {
  return {parse_activation(attrs.get_string("activation", "none")), attrs.get_float("act_alpha", 0),
          attrs.get_float("act_beta", 0)};
}

void set_activation(AttributeMap& attrs, const Activation& activation) {
  for (const auto* name : {"activation", "act_alpha", "act_beta"}) attrs.erase(name);
  if (activation.kind == ActivationKind::kNone) return;
  attrs.set("activation", std::string(name_of(activation.kind)));
  const bool clips = activation.kind == ActivationKind::kClip || activation.kind == ActivationKind::kHardSigmoid;
  if (clips || activation.kind == ActivationKind::kLeakyRelu) attrs.set("act_alpha", activation.alpha);
  if (clips) attrs.set("act_beta", activation.beta);
}

float apply(const Activation& activation, float x) {
  switch (activation.kind) {
    case ActivationKind::kNone:
      return x;
    case ActivationKind::kRelu:
      return x < 0 ? 0 : x;
    case ActivationKind::kClip:
      return std::min(std::max(x, activation.alpha), activation.beta);
    case ActivationKind::kLeakyRelu:
      return x < 0 ? activation.alpha * x : x;
    case ActivationKind::kSigmoid:
      return sigmoid(x);
    case ActivationKind::kTanh:
      return std::tanh(x);
    case ActivationKind::kSilu:
      return x * sigmoid(x);
    case ActivationKind::kGelu:
      return 0.5F * x * (1 + std::erf(x * (std::numbers::sqrt2_v<float> / 2)));
    case ActivationKind::kGeluTanh:
      return gelu_tanh(x);
    case ActivationKind::kHardSwish:
      return x * std::clamp(x / 6 + 0.5F, 0.0F, 1.0F);
    case ActivationKind::kHardSigmoid:
      return std::clamp(activation.alpha * x + activation.beta, 0.0F, 1.0F);
  }
  return x;
}

}  // namespace burnish
