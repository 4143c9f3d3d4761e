#include "quantize/representative.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"

namespace burnish {
namespace {

constexpr size_t kEnoughToJudge = 8;

using Judgement = std::optional<Warning>;

template <typename... Args>
Warning warn(const TensorEvidence& t, WarningKind kind, double figure, fmt::format_string<Args...> text,
             Args&&... args) {
  return {t.name, kind, figure, fmt::format("'{}': {}", t.name, fmt::format(text, std::forward<Args>(args)...))};
}

using Statistic = double (*)(const SampleStatistics&);
constexpr std::array<Statistic, 3> kStatistics{[](const SampleStatistics& s) { return s.mean; },
                                               [](const SampleStatistics& s) { return static_cast<double>(s.min); },
                                               [](const SampleStatistics& s) { return static_cast<double>(s.max); }};

struct Moments {
  double mean = 0, variance = 0, spread = 0;
};

Moments moments_of(const std::vector<SampleStatistics>& samples, Statistic statistic) {
  Moments m;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const SampleStatistics& s : samples) {
    m.mean += statistic(s) / static_cast<double>(samples.size());
    low = std::min(low, statistic(s));
    high = std::max(high, statistic(s));
  }
  for (const SampleStatistics& s : samples) m.variance += (statistic(s) - m.mean) * (statistic(s) - m.mean);
  m.variance /= static_cast<double>(std::max<size_t>(samples.size(), 2) - 1);
  m.spread = samples.empty() ? 0 : high - low;
  return m;
}

Judgement judge_finite(const TensorEvidence& t, const RepresentativeLimits& /*limits*/) {
  const int64_t n = t.calibration->num_nan() + t.calibration->num_infinite();
  if (n == 0) return {};
  return warn(t, WarningKind::kNotFinite, static_cast<double>(n),
              "{} NaN and {} infinite elements were left out of calibration: the network or a sample is at fault",
              t.calibration->num_nan(), t.calibration->num_infinite());
}

Judgement judge_dead(const TensorEvidence& t, const RepresentativeLimits& /*limits*/) {
  if (t.calibration->num_elements() == 0 || t.calibration->absmax() > 0) return {};
  return warn(t, WarningKind::kDead, static_cast<double>(t.calibration->num_samples()),
              "zero in all {} samples: no range can be found; add samples that exercise it",
              t.calibration->num_samples());
}

Judgement judge_same(const TensorEvidence& t, const RepresentativeLimits& limits) {
  const auto& samples = t.calibration->sample_statistics();
  const double absmax = t.calibration->absmax();
  if (samples.size() < 2 || absmax == 0) return {};
  double spread = 0;
  for (const Statistic statistic : kStatistics) spread = std::max(spread, moments_of(samples, statistic).spread);
  if (spread > limits.same_spread * absmax) return {};
  return warn(t, WarningKind::kSameSamples, spread / absmax,
              "all {} samples look the same to it: add samples that differ", samples.size());
}

Judgement judge_constant(const TensorEvidence& t, const RepresentativeLimits& limits) {
  const SliceCounts& slices = t.calibration->slices();
  const int64_t n = slices.num_slices - slices.num_zero;
  if (!t.is_input || n == 0) return {};
  const double share = static_cast<double>(slices.num_constant) / static_cast<double>(n);
  if (share < limits.constant_share) return {};
  return warn(t, WarningKind::kConstantSamples, share,
              "{:.0f}% of the samples' channels are one number throughout: calibrate with real samples", 100 * share);
}

Judgement judge_exercised(const TensorEvidence& t, const RepresentativeLimits& limits) {
  const auto& samples = t.calibration->sample_statistics();
  const double level = limits.exercised_level * t.calibration->absmax();
  if (samples.size() < kEnoughToJudge || level == 0) return {};
  const auto n = static_cast<double>(
      std::count_if(samples.begin(), samples.end(), [&](const auto& s) { return s.absmax() >= level; }));
  const auto all = static_cast<double>(samples.size());
  if (n >= std::max(2.0, limits.exercised_share * all)) return {};
  return warn(t, WarningKind::kRarelyExercised, n / all,
              "its range comes from {} of {} samples, in the others it hardly moves: add samples that exercise it", n,
              all);
}

bool is_dead(const RowStatistics& channel) {
  return channel.count == 0 || channel.min == channel.max;
}

Judgement judge_channels(const TensorEvidence& t, const RepresentativeLimits& limits) {
  const auto& channels = t.calibration->channels();
  if (channels.size() < kEnoughToJudge || t.calibration->absmax() == 0) return {};
  const bool compare = t.held_back != nullptr && t.held_back->channels().size() == channels.size();
  double num_dead = 0, num_revived = 0;
  for (size_t c = 0; c < channels.size(); ++c) {
    if (!is_dead(channels[c])) continue;
    ++num_dead;
    if (compare && !is_dead(t.held_back->channels()[c])) ++num_revived;
  }
  const auto all = static_cast<double>(channels.size());
  if (num_revived > limits.revived_share * all) {
    return warn(t, WarningKind::kDeadChannels, num_revived / all,
                "{} of {} channels moved in held-back samples only: add samples like those", num_revived, all);
  }
  if (num_dead < limits.dead_share * all) return {};
  return warn(t, WarningKind::kDeadChannels, num_dead / all,
              "{} of {} channels never moved: add samples that exercise them", num_dead, all);
}

/// Where clipping begins to tell: a step of 8 bits beyond the range and at an edge of bins, so that histograms of this
/// bin width or less count alike.
struct ClipLimits {
  double low, high;
};
ClipLimits clip_limits(const Range& range, double bin_width) {
  const double low = std::min(range.low, 0.0F), high = std::max(range.high, 0.0F), step = (high - low) / 255;
  return {std::floor((low - step) / bin_width) * bin_width, (std::floor((high + step) / bin_width) + 1) * bin_width};
}

double share_outside(const Observer& observer, const ClipLimits& limits) {
  const int64_t n = observer.histogram().num_outside(limits.low, limits.high);
  return static_cast<double>(n) / static_cast<double>(std::max<int64_t>(observer.num_elements(), 1));
}

/// How far the held-back elements exceed what calibration saw, in widths of that.
double overshoot_of(const Observer& calibration, const Observer& held_back) {
  const double low = std::min(calibration.min(), 0.0F), high = std::max(calibration.max(), 0.0F);
  const double beyond = std::max({held_back.max() - high, low - held_back.min(), 0.0});
  if (beyond == 0) return 0;
  return high > low ? beyond / (high - low) : std::numeric_limits<double>::infinity();
}

Judgement judge_outside(const TensorEvidence& t, const RepresentativeLimits& limits) {
  if (t.held_back == nullptr || t.held_back->num_elements() == 0) return {};
  const Histogram& coarser = coarser_of(t.calibration->histogram(), t.held_back->histogram());
  const ClipLimits clip = clip_limits(t.range, coarser.bin_width());
  const double own = share_outside(*t.calibration, clip), share = share_outside(*t.held_back, clip);
  const double overshoot = overshoot_of(*t.calibration, *t.held_back);
  const double usual = limits.outside_share * (1 + 8 / static_cast<double>(t.held_back->num_samples()));
  if (share <= usual + limits.outside_factor * own && overshoot <= limits.overshoot) return {};
  return warn(t, WarningKind::kOutsideRange, share,
              "{:.3g}% of the held-back elements lie outside [{:.4g}, {:.4g}] ({:.3g}% in calibration), exceeding what "
              "was seen by up to {:.3g} times its width: add samples like those held back",
              100 * share, t.range.low, t.range.high, 100 * own, overshoot);
}

/// Of the held-back samples' mean statistics from the calibration's, in standard errors; 0 where too few are known.
double standard_errors(const Observer& calibration, const Observer& held_back) {
  const auto &known = calibration.sample_statistics(), &fresh = held_back.sample_statistics();
  if (known.size() < kEnoughToJudge || fresh.empty()) return 0;
  const double scale = 1.0 / static_cast<double>(known.size()) + 1.0 / static_cast<double>(fresh.size());
  double worst = 0;
  for (const Statistic statistic : kStatistics) {
    const Moments a = moments_of(known, statistic);
    const double difference = std::abs(a.mean - moments_of(fresh, statistic).mean);
    if (difference > 0) worst = std::max(worst, difference / std::sqrt(a.variance * scale));
  }
  return worst;
}

Judgement judge_distribution(const TensorEvidence& t, const RepresentativeLimits& limits) {
  if (t.held_back == nullptr || t.held_back->num_elements() == 0) return {};
  const double distance = kolmogorov_smirnov(t.calibration->histogram(), t.held_back->histogram());
  if (distance <= limits.near_distance) return {};
  const double far = limits.far_distance * (1 + 1 / static_cast<double>(t.held_back->num_samples()));
  if (distance <= far && standard_errors(*t.calibration, *t.held_back) <= limits.deviations) return {};
  return warn(t, WarningKind::kOtherDistribution, distance,
              "held-back samples are distributed differently (distance {:.2f}; mean {:.4g} in [{:.4g}, {:.4g}], in "
              "calibration {:.4g} in [{:.4g}, {:.4g}]): calibrate with samples like those to come",
              distance, t.held_back->mean(), t.held_back->min(), t.held_back->max(), t.calibration->mean(),
              t.calibration->min(), t.calibration->max());
}

constexpr std::array kJudges{judge_finite,    judge_dead,     judge_same,    judge_constant,
                             judge_exercised, judge_channels, judge_outside, judge_distribution};

}  // namespace

std::string_view name_of(WarningKind kind) {
  constexpr std::array<std::string_view, 10> kNames{
      "few samples",      "not finite",    "dead",          "same samples",       "constant samples",
      "rarely exercised", "dead channels", "outside range", "other distribution", "other training"};
  return kNames[static_cast<size_t>(kind)];
}

SampleSplit split_samples(int64_t n, double held_back_fraction) {
  check(n >= 0 && held_back_fraction >= 0 && held_back_fraction < 1, ErrorCode::kInvalidArgument,
        "{} of {} samples cannot be held back: a fraction from 0 to below 1 is needed", held_back_fraction, n);
  SampleSplit split;
  for (int64_t i = 0; i < n; ++i) {
    const bool hold_back = std::floor(static_cast<double>(i + 1) * held_back_fraction) >
                           std::floor(static_cast<double>(i) * held_back_fraction);
    (hold_back ? split.held_back : split.calibration).push_back(i);
  }
  return split;
}

std::vector<Warning> check_representative(std::span<const TensorEvidence> tensors, const RepresentativeLimits& limits) {
  std::vector<Warning> warnings;
  int64_t num_samples = 0;
  for (const TensorEvidence& t : tensors) num_samples = std::max(num_samples, t.calibration->num_samples());
  if (num_samples < limits.min_samples) {
    warnings.push_back(
        {"", WarningKind::kFewSamples, static_cast<double>(num_samples),
         fmt::format("calibrated with {} samples: ranges are reliable from {} on", num_samples, limits.min_samples)});
  }
  for (const TensorEvidence& t : tensors) {
    for (const auto& judge : kJudges) {
      if (Judgement warning = judge(t, limits)) warnings.push_back(std::move(*warning));
    }
  }
  return warnings;
}

}  // namespace burnish
