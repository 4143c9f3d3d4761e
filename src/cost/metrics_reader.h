#pragma once
// Metrics in Prometheus' text format, read.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace burnish::cost {

/// One line: a metric's value for one set of labels.
struct MetricSample {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;  ///< May be NaN or infinite.
  /// Empty where there is no such label.
  std::string_view label(std::string_view key) const;
};

/// All samples in order; comments, timestamps and exemplars are left out. Throws kInvalidArgument naming the text
/// (`name`), the line and what is wrong there: no metric's name, labels that do not end, no number, more than 64 labels
/// a sample or a million samples.
std::vector<MetricSample> read_metrics(std::string_view text, const std::string& name);

}  // namespace burnish::cost
