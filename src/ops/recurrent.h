#pragma once
// Recurrent networks: RNN, GRU, LSTM.
#include <span>

#include "ops/op.h"

namespace burnish {

std::span<const OpDescriptor> recurrent_ops();

/// A function that the "activations" attribute names, with its parameters.
class GateFunction {
 public:
  /// Throws kInvalidModel for an unknown name. Without alpha and beta the named operator's defaults hold.
  GateFunction(std::string_view name, std::optional<float> alpha, std::optional<float> beta);
  double operator()(double x) const { return call_(x, alpha_, beta_); }

 private:
  double (*call_)(double, double, double) = nullptr;
  double alpha_ = 0, beta_ = 0;
};

/// The functions of all directions, `per_direction` each; names fall back to `defaults`.
std::vector<GateFunction> gate_functions(const AttributeMap& attrs, std::span<const std::string_view> defaults,
                                         int64_t num_directions);

}  // namespace burnish
