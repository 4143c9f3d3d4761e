#pragma once
// The metric that a lower precision may cost a part of: against FP32's outputs, against labels, or by a command.
#include <string>
#include <vector>

#include "builder/sample_runner.h"

namespace burnish {

struct PrecisionOptions;

class AccuracyMeter {
 public:
  /// Runs the samples through the FP32 engine. Throws kInvalidArgument for labels that do not fit, and kIo or
  /// kInvalidArgument when the user's command fails or prints no number.
  AccuracyMeter(const PrecisionOptions& options, const Samples& samples, std::vector<int64_t> indices,
                EngineData reference, const Target& target);

  /// "top-1 agreement with FP32", "cosine similarity to FP32", "top-1 accuracy", "metric of …".
  const std::string& name() const { return name_; }
  bool is_share() const { return command_.empty(); }
  double reference_metric() const { return reference_metric_; }
  /// Higher is better.
  double metric(EngineData candidate) const;
  int64_t num_samples() const { return static_cast<int64_t>(indices_.size()); }

 private:
  struct Output {
    std::string name;
    Shape item;                 ///< Shape of one sample's part.
    std::vector<float> values;  ///< Of all samples, one behind the other.
  };
  std::vector<Output> run(EngineData engine) const;
  double against_labels(const std::vector<Output>& outputs) const;
  double against_reference(const std::vector<Output>& outputs) const;
  double by_command(const std::vector<Output>& outputs) const;
  double judge(const std::vector<Output>& outputs) const;
  void read_labels(const std::string& path);

  const Samples& samples_;
  std::vector<int64_t> indices_;
  Target target_;
  std::string command_;
  std::vector<int64_t> labels_;  // of the indices, in their order
  std::vector<Output> reference_;
  std::string name_;
  double reference_metric_ = 1;
};

}  // namespace burnish
