#pragma once
// Whether the samples that a network was calibrated with stand for those that it will see.
//
// Some samples are held back. What calibration concluded is compared with what they show, and what it saw is searched
// for signs of too little variety. A good set gives no warning.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quantize/observer.h"
#include "quantize/range.h"

namespace burnish {

/// Which of n samples to calibrate with and which to hold back: every m-th, spread evenly, the same ones every time.
struct SampleSplit {
  std::vector<int64_t> calibration;
  std::vector<int64_t> held_back;
};
/// Holds back ⌊n·fraction⌋ samples, but never all; 0 ≤ fraction < 1, otherwise kInvalidArgument.
SampleSplit split_samples(int64_t n, double held_back_fraction);

enum class WarningKind {
  kFewSamples,       ///< Fewer than min_samples. Names no tensor. Figure: samples.
  kNotFinite,        ///< NaN or infinities. Figure: how many.
  kDead,             ///< Nothing but zeros. Figure: samples.
  kSameSamples,      ///< Minimum, maximum and mean are the same for all samples. Figure: their relative spread.
  kConstantSamples,  ///< An input that is one colour, say, throughout each sample. Figure: share of constant channels.
  kRarelyExercised,  ///< Nearly nothing except in a few samples. Figure: share of samples that count.
  kDeadChannels,     ///< Channels that never moved. Figure: their share.
  kOutsideRange,     ///< Held-back elements are clipped. Figure: their share.
  kOtherDistribution,  ///< Held-back samples are distributed differently. Figure: Kolmogorov-Smirnov distance.
  kOtherTraining       ///< The model remembers other statistics of its training. Figure: standard deviations.
};
/// "few samples", "other distribution", …
std::string_view name_of(WarningKind kind);

struct Warning {
  std::string tensor;
  WarningKind kind;
  double figure;
  std::string text;  ///< A sentence for people, with what to do.
};

/// What is known of one tensor. Observers with a channel axis see more (constant samples, dead channels).
struct TensorEvidence {
  std::string name;
  Range range;                          ///< As calibrated.
  const Observer* calibration;          ///< Never null.
  const Observer* held_back = nullptr;  ///< Null where nothing was held back.
  bool is_input = false;                ///< Of the network. Only there are constant samples a mistake.
};

struct RepresentativeLimits {
  int64_t min_samples = 32;
  /// kSameSamples: spread of each statistic over the samples, relative to the tensor's absolute maximum.
  double same_spread = 1e-4;
  /// kConstantSamples: share of an input's channels, all-zero ones left out.
  double constant_share = 0.95;
  /// kRarelyExercised: a sample counts when its absolute maximum reaches exercised_level of the tensor's. A layer needs
  /// two such samples and exercised_share of all; judged from eight samples on.
  double exercised_level = 0.01;
  double exercised_share = 0.05;
  /// kDeadChannels: of at least eight channels, the share that never moved; or that moved in held-back samples only.
  double dead_share = 0.9;
  double revived_share = 0.05;
  /// kOutsideRange: share of held-back elements outside the range by a step of 8 bits, times 1 + 8/n for n held-back
  /// samples (a single one may well be unusual), beyond outside_factor times what calibration itself left outside; or
  /// one element that exceeds all that was seen by overshoot times the width of that.
  double outside_share = 3e-3;
  double outside_factor = 4;
  double overshoot = 1;
  /// kOtherDistribution: distance above far_distance, times 1 + 1/n for n held-back samples; or above near_distance
  /// while the mean over the held-back samples of their mean, minimum or maximum lies more than deviations standard
  /// errors from the calibration's, as estimated from at least eight calibration samples.
  double far_distance = 0.3;
  double near_distance = 0.1;
  double deviations = 6;
};

/// In the order of the tensors.
std::vector<Warning> check_representative(std::span<const TensorEvidence> tensors,
                                          const RepresentativeLimits& limits = {});

/// The greatest difference of two distribution functions, at the edges of the coarser histogram's bins; 0 to 1.
double kolmogorov_smirnov(const Histogram& a, const Histogram& b);

}  // namespace burnish
