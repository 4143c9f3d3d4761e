#include "builder/sample_checks.h"

#include <algorithm>

#include "builder/training_statistics.h"

namespace burnish {
namespace {

/// A few samples are often all there is; ranges from fewer deserve a warning.
constexpr int64_t kFewSamples = 16;

std::vector<Warning> judge_values(const CalibrationEvidence& e) {
  std::vector<TensorEvidence> tensors;
  for (const auto& [name, observer] : e.calibration) {
    const TensorRange* range = e.ranges.find(name);
    if (range == nullptr) continue;
    const bool is_input = e.graph.is_input(e.graph.find_value(name));
    tensors.push_back({name, range->range, &observer, &e.held_back.at(name), is_input});
  }
  RepresentativeLimits limits;
  limits.min_samples = std::min(limits.min_samples, kFewSamples);
  return check_representative(tensors, limits);
}

/// Whether any other input differs from sample to sample.
bool others_vary(const Graph& graph, const Samples& samples, const std::string& input) {
  return std::ranges::any_of(graph.inputs(), [&](ValueId v) {
    const std::string& name = graph.value(v).name;
    return name != input && samples.varies(name);
  });
}

bool is_input(const Graph& graph, const std::string& name) {
  return !name.empty() && graph.is_input(graph.find_value(name));
}

}  // namespace

SampleFindings check_samples(ModelCompiler& compiler, const OptimizationProfile& profile, const Samples& samples,
                             const std::vector<int64_t>& indices, const CalibrationEvidence& evidence) {
  const Graph& graph = compiler.model();
  SampleFindings findings{judge_values(evidence)};
  std::erase_if(findings.warnings, [&](const Warning& w) {
    return w.kind == WarningKind::kSameSamples && (!is_input(graph, w.tensor) || others_vary(graph, samples, w.tensor));
  });
  const auto is_same = [](const Warning& w) { return w.kind == WarningKind::kSameSamples; };
  if (samples.size() > 1 && !others_vary(graph, samples, "") && std::ranges::none_of(findings.warnings, is_same)) {
    findings.warnings.push_back({"", WarningKind::kSameSamples, 0,
                                 fmt::format("all {} samples are the same: add samples that differ", samples.size())});
  }
  const auto breaks_trust = [&](const Warning& w) {
    return is_same(w) || (w.kind == WarningKind::kConstantSamples && is_input(graph, w.tensor));
  };
  const auto trained = check_training_statistics(compiler, profile, samples, indices);
  findings.trustworthy = trained.empty() && std::ranges::none_of(findings.warnings, breaks_trust);
  findings.warnings.insert(findings.warnings.end(), trained.begin(), trained.end());
  return findings;
}

}  // namespace burnish
