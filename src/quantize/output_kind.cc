#include "quantize/output_kind.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "quantize/metrics.h"

namespace burnish {
namespace {

constexpr int64_t kMaxClasses = 100000;
constexpr int64_t kWide = 64;
constexpr int64_t kManyRows = 8;
// Sums of probabilities that were computed in 16 bits are off by this much.
constexpr double kSumTolerance = 1e-2;
constexpr double kLengthTolerance = 1e-3;
constexpr double kStandsOut = 1.25;

struct RowFigures {
  double min = 0, max = 0, sum = 0, sum_exp = 0, length = 0;
  double peak = 0;  ///< Of the maximum above the mean, in standard deviations.
  int64_t top = 0;
};

RowFigures figures_of(std::span<const float> row) {
  const auto n = static_cast<double>(row.size());
  RowFigures f{.min = row[0], .max = row[0]};
  double squares = 0;
  for (const float x : row) {
    f.min = std::min<double>(f.min, x);
    f.max = std::max<double>(f.max, x);
    f.sum += x;
    f.sum_exp += std::exp(static_cast<double>(x));
    squares += static_cast<double>(x) * x;
  }
  const double mean = f.sum / n, variance = squares / n - mean * mean;
  f.length = std::sqrt(squares);
  f.peak = variance > 0 ? (f.max - mean) / std::sqrt(variance) : 0;
  f.top = top1(row);
  return f;
}

bool is_probabilities(const RowFigures& f) {
  const bool plain = f.min >= -1e-6 && std::abs(f.sum - 1) < kSumTolerance;
  const bool logarithms = f.max <= 1e-6 && std::abs(f.sum_exp - 1) < kSumTolerance;
  return plain || logarithms;
}

bool have_one_length(const std::vector<RowFigures>& rows) {
  const auto [shortest, longest] = std::minmax_element(
      rows.begin(), rows.end(), [](const RowFigures& a, const RowFigures& b) { return a.length < b.length; });
  const bool is_unit = std::abs(shortest->length - 1) < kLengthTolerance && longest->length - 1 < kLengthTolerance;
  const bool differ = std::any_of(rows.begin(), rows.end(), [&](const RowFigures& f) { return f.max != rows[0].max; });
  return is_unit || (differ && longest->length - shortest->length < kLengthTolerance * longest->length);
}

bool stand_out(const std::vector<RowFigures>& rows, int64_t num_columns) {
  std::vector<double> peaks;
  for (const RowFigures& f : rows) peaks.push_back(f.peak);
  const auto middle = peaks.begin() + static_cast<int64_t>(peaks.size() / 2);
  std::nth_element(peaks.begin(), middle, peaks.end());
  // About the expected maximum of that many standard normal numbers.
  return *middle > kStandsOut * std::sqrt(2 * std::log(static_cast<double>(num_columns)));
}

bool look_like_logits(const std::vector<RowFigures>& rows, int64_t num_columns) {
  const auto any = [&](const auto& f) { return std::any_of(rows.begin(), rows.end(), f); };
  if (static_cast<int64_t>(rows.size()) >= kManyRows && !any([&](const auto& f) { return f.top != rows[0].top; })) {
    return false;
  }
  return any([](const auto& f) { return f.min < 0; }) && stand_out(rows, num_columns);
}

}  // namespace

std::string_view name_of(OutputKind kind) {
  return kind == OutputKind::kClasses ? "classes" : "other";
}

OutputKind guess_output_kind(const float* data, const Shape& shape) {
  if (shape.rank() != 2 || shape[0] < 1 || shape[1] < 2 || shape[1] > kMaxClasses) return OutputKind::kOther;
  const int64_t num_columns = shape[1];
  std::vector<RowFigures> rows;
  for (int64_t r = 0; r < shape[0]; ++r) {
    rows.push_back(figures_of({data + r * num_columns, static_cast<size_t>(num_columns)}));
    if (!std::isfinite(rows.back().sum)) return OutputKind::kOther;
  }
  if (std::all_of(rows.begin(), rows.end(), is_probabilities)) return OutputKind::kClasses;
  if (have_one_length(rows)) return OutputKind::kOther;
  const bool is_classes = num_columns < kWide || look_like_logits(rows, num_columns);
  return is_classes ? OutputKind::kClasses : OutputKind::kOther;
}

}  // namespace burnish
