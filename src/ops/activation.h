#pragma once
// Pointwise functions that an epilogue can apply.
#include <string_view>

#include "ops/attributes.h"

namespace burnish {

enum class ActivationKind {
  kNone,
  kRelu,
  kClip,       ///< min(max(x, alpha), beta)
  kLeakyRelu,  ///< x < 0 ? alpha·x : x
  kSigmoid,
  kTanh,
  kSilu,         ///< x·sigmoid(x)
  kGelu,         ///< x/2·(1 + erf(x/√2))
  kGeluTanh,     ///< the tanh approximation
  kHardSwish,    ///< x·clip(x/6 + 1/2, 0, 1)
  kHardSigmoid,  ///< clip(alpha·x + beta, 0, 1)
};

struct Activation {
  ActivationKind kind = ActivationKind::kNone;
  float alpha = 0;
  float beta = 0;
};

std::string_view name_of(ActivationKind kind);
/// Throws kInvalidModel for an unknown name.
ActivationKind parse_activation(std::string_view name);
/// Reads "activation", "act_alpha" and "act_beta".
Activation activation_of(const AttributeMap& attrs);
void set_activation(AttributeMap& attrs, const Activation& activation);
float apply(const Activation& activation, float x);

}  // namespace burnish
