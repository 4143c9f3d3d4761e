#include "quantize/calibrator.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "quantize/signed_bins.h"

namespace burnish {
namespace {

constexpr std::array<std::string_view, 4> kNames{"minmax", "percentile", "entropy", "mse"};

void check_options(const Observer& observer, const CalibrationOptions& options) {
  check(options.percentile > 50 && options.percentile <= 100, ErrorCode::kInvalidArgument,
        "percentile {}: it must be above 50 and at most 100", options.percentile);
  check(options.levels >= 4 && options.levels <= 65536 && options.levels % 2 == 0, ErrorCode::kInvalidArgument,
        "{} quantisation levels: an even number from 4 to 65536 is needed", options.levels);
  check(observer.num_elements() > 0, ErrorCode::kInvalidArgument,
        "no finite value was observed ({} samples, {} NaN, {} infinite)", observer.num_samples(), observer.num_nan(),
        observer.num_infinite());
}

/// How far the interval [0, n bins) reaches when `excess` elements of the outermost bins are cut off; within a bin
/// elements count as evenly spread. count(i) is the i-th bin outwards from zero.
template <typename Count>
double cut_tail(int n, double width, double excess, const Count& count) {
  for (int i = n - 1; i >= 0; --i) {
    const double here = count(i);
    if (here > excess) return width * (i + 1 - excess / here);
    excess -= here;
  }
  return 0;
}

Range percentile_range(const Observer& observer, const SignedBins& bins, const CalibrationOptions& options) {
  const double excess = (1 - options.percentile / 100) * static_cast<double>(observer.num_elements());
  const int num_negative = bins.anchor(), num_positive = bins.size() - bins.anchor();
  const bool both = observer.min() < 0 && observer.max() > 0 && !options.symmetric;
  const double tail = both ? excess / 2 : excess;
  const double high = cut_tail(num_positive, bins.width(), tail, [&](int i) { return bins.count(num_negative + i); });
  const double low =
      cut_tail(num_negative, bins.width(), tail, [&](int i) { return bins.count(num_negative - 1 - i); });
  return {static_cast<float>(0 - low), static_cast<float>(high)};  // never −0
}

Range searched_range(const SignedBins& bins, const CalibrationOptions& options) {
  const int levels = options.symmetric ? options.levels / 2 : options.levels;
  const BinInterval best =
      options.calibrator == Calibrator::kEntropy ? least_divergence(bins, levels) : least_squared_error(bins, levels);
  return {static_cast<float>(bins.edge(best.begin)), static_cast<float>(bins.edge(best.end))};
}

/// Bins reach a little further than the elements in them.
Range within(Range range, const Range& seen) {
  return {std::clamp(range.low, seen.low, 0.0F), std::clamp(range.high, 0.0F, seen.high)};
}

}  // namespace

std::string_view name_of(Calibrator calibrator) {
  return kNames[static_cast<size_t>(calibrator)];
}

std::string calibrator_names() {
  return fmt::format("{}", fmt::join(kNames, ", "));
}

Calibrator parse_calibrator(std::string_view name) {
  const auto* it = std::find(kNames.begin(), kNames.end(), name);
  check(it != kNames.end(), ErrorCode::kInvalidArgument, "unknown calibrator '{}': choose one of {}", name,
        calibrator_names());
  return static_cast<Calibrator>(it - kNames.begin());
}

Range choose_range(const Observer& observer, const CalibrationOptions& options) {
  check_options(observer, options);
  const Range seen{std::min(observer.min(), 0.0F), std::max(observer.max(), 0.0F)};
  Range range = seen;
  if (options.calibrator != Calibrator::kMinMax && !observer.histogram().empty()) {
    const SignedBins bins(observer, options.symmetric);
    range = options.calibrator == Calibrator::kPercentile ? percentile_range(observer, bins, options)
                                                          : searched_range(bins, options);
  }
  if (!options.symmetric) return within(range, seen);
  const float bound = std::min(range.absmax(), observer.absmax());
  return {-bound, bound};
}

double expected_squared_error(const Histogram& histogram, Range range, int levels) {
  const double step = (static_cast<double>(range.high) - range.low) / (levels - 1);
  double sum = 0;
  for (int i = 0; i < Histogram::kNumBins; ++i) {
    const double x = histogram.center(i);
    const double beyond = std::max({range.low - x, x - range.high, 0.0});
    sum += static_cast<double>(histogram.count(i)) * (beyond > 0 ? beyond * beyond : step * step / 12);
  }
  return histogram.num_elements() > 0 ? sum / static_cast<double>(histogram.num_elements()) : 0;
}

}  // namespace burnish
