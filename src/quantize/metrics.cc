#include "quantize/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace burnish {
namespace {

void check_sizes(std::span<const float> actual, std::span<const float> reference) {
  check(actual.size() == reference.size(), ErrorCode::kInvalidArgument, "{} values cannot be compared with {}",
        actual.size(), reference.size());
}

int64_t num_rows(size_t num_values, int64_t num_columns) {
  check(num_columns >= 1 && static_cast<int64_t>(num_values) % num_columns == 0, ErrorCode::kInvalidArgument,
        "{} values are no rows of {}", num_values, num_columns);
  return static_cast<int64_t>(num_values) / num_columns;
}

std::span<const float> row_of(std::span<const float> values, int64_t row, int64_t num_columns) {
  return values.subspan(static_cast<size_t>(row * num_columns), static_cast<size_t>(num_columns));
}

double share(int64_t count, int64_t of) {
  return of > 0 ? static_cast<double>(count) / static_cast<double>(of) : 1;
}

}  // namespace

double cosine_similarity(std::span<const float> actual, std::span<const float> reference) {
  check_sizes(actual, reference);
  double dot = 0, aa = 0, rr = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double a = actual[i], r = reference[i];
    dot += a * r;
    aa += a * a;
    rr += r * r;
  }
  if (aa == 0 && rr == 0) return 1;
  const double cosine = dot / (std::sqrt(aa) * std::sqrt(rr));
  return std::isfinite(cosine) ? std::clamp(cosine, -1.0, 1.0) : 0;
}

double sqnr_db(std::span<const float> actual, std::span<const float> reference) {
  check_sizes(actual, reference);
  double signal = 0, noise = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double d = static_cast<double>(actual[i]) - reference[i];
    signal += static_cast<double>(reference[i]) * reference[i];
    noise += d * d;
  }
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

int64_t top1(std::span<const float> row) {
  int64_t best = -1;
  for (size_t i = 0; i < row.size(); ++i) {
    if (std::isnan(row[i])) continue;
    if (best < 0 || row[i] > row[static_cast<size_t>(best)]) best = static_cast<int64_t>(i);
  }
  return best;
}

double top1_accuracy(std::span<const float> scores, std::span<const int64_t> labels, int64_t num_columns) {
  const int64_t n = num_rows(scores.size(), num_columns);
  check(n == static_cast<int64_t>(labels.size()), ErrorCode::kInvalidArgument, "{} labels for {} rows", labels.size(),
        n);
  int64_t num_right = 0;
  for (int64_t r = 0; r < n; ++r) {
    num_right += top1(row_of(scores, r, num_columns)) == labels[static_cast<size_t>(r)] ? 1 : 0;
  }
  return share(num_right, n);
}

}  // namespace burnish
