#include <algorithm>
#include <cmath>

#include "ops/recurrent.h"

namespace burnish {
namespace {

struct Row {
  std::string_view name;
  double alpha, beta;  // defaults
  double (*call)(double x, double alpha, double beta);
};

constexpr Row kRows[] = {
    {"relu", 0, 0, [](double x, double, double) { return std::max(x, 0.0); }},
    {"tanh", 0, 0, [](double x, double, double) { return std::tanh(x); }},
    {"sigmoid", 0, 0, [](double x, double, double) { return 1 / (1 + std::exp(-x)); }},
    {"affine", 1, 0, [](double x, double a, double b) { return a * x + b; }},
    {"leakyrelu", 0.01, 0, [](double x, double a, double) { return x >= 0 ? x : a * x; }},
    {"thresholdedrelu", 1, 0, [](double x, double a, double) { return x >= a ? x : 0; }},
    {"scaledtanh", 1, 1, [](double x, double a, double b) { return a * std::tanh(b * x); }},
    {"hardsigmoid", 0.2, 0.5, [](double x, double a, double b) { return std::clamp(a * x + b, 0.0, 1.0); }},
    {"elu", 1, 0, [](double x, double a, double) { return x >= 0 ? x : a * std::expm1(x); }},
    {"softsign", 0, 0, [](double x, double, double) { return x / (1 + std::fabs(x)); }},
    {"softplus", 0, 0, [](double x, double, double) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }},
};

std::string lower_case(std::string_view name) {
  std::string s(name);
  for (char& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return s;
}

bool takes_alpha(std::string_view name) {
  constexpr std::string_view kNames[] = {"affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

bool takes_beta(std::string_view name) {
  return name == "affine" || name == "scaledtanh" || name == "hardsigmoid";
}

}  // namespace

GateFunction::GateFunction(std::string_view name, std::optional<float> alpha, std::optional<float> beta) {
  const std::string wanted = lower_case(name);
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.name == wanted; });
  check(row != std::end(kRows), ErrorCode::kInvalidModel, "attribute activations has the unknown entry '{}'", name);
  call_ = row->call;
  alpha_ = alpha ? static_cast<double>(*alpha) : row->alpha;
  beta_ = beta ? static_cast<double>(*beta) : row->beta;
}

std::vector<GateFunction> gate_functions(const AttributeMap& attrs, std::span<const std::string_view> defaults,
                                         int64_t num_directions) {
  std::vector<std::string> names = attrs.get_strings("activations");
  const size_t count = defaults.size() * static_cast<size_t>(num_directions);
  if (names.empty())
    for (size_t i = 0; i < count; ++i) names.emplace_back(defaults[i % defaults.size()]);
  check(names.size() >= count, ErrorCode::kInvalidModel, "attribute activations has {} entries, not {}", names.size(),
        count);
  // Parameters stand in the order of the functions that take them.
  const std::vector<float> alphas = attrs.get_floats("activation_alpha"), betas = attrs.get_floats("activation_beta");
  size_t next_alpha = 0, next_beta = 0;
  std::vector<GateFunction> functions;
  for (size_t i = 0; i < count; ++i) {
    const std::string name = lower_case(names[i]);
    std::optional<float> alpha, beta;
    if (takes_alpha(name) && next_alpha < alphas.size()) alpha = alphas[next_alpha++];
    if (takes_beta(name) && next_beta < betas.size()) beta = betas[next_beta++];
    functions.emplace_back(name, alpha, beta);
  }
  return functions;
}

}  // namespace burnish
