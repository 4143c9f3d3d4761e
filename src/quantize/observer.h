#pragma once
// What calibration remembers of a tensor: extremes, means and a histogram over any number of batches.
//
// Every element is looked at (nothing is sampled), in two passes over each sample. An Observer belongs to one thread at
// a time; different tensors may be observed by different threads, or one tensor by several observers that are merged.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/shape.h"
#include "quantize/histogram.h"
#include "quantize/row_statistics.h"

namespace burnish {

/// One sample's share of a tensor.
struct SampleStatistics {
  float min = 0;
  float max = 0;
  double mean = 0;
  float absmax() const { return std::max(std::abs(min), std::abs(max)); }
};

/// How often a channel of one sample (a feature map, say) was the same number throughout. Only channels with at least
/// kMinElements elements a sample are counted.
struct SliceCounts {
  static constexpr int64_t kMinElements = 4;
  int64_t num_slices = 0;
  int64_t num_zero = 0;      ///< All zeros.
  int64_t num_constant = 0;  ///< All one number other than zero.
};

class Observer {
 public:
  /// With an axis (negative ones count from the end), statistics are kept for each index along it as well.
  explicit Observer(std::optional<int> channel_axis = std::nullopt) : axis_(channel_axis) {}

  /// A dense row-major batch of num_samples samples, one after the other. Where they cannot be told apart (the elements
  /// do not divide evenly), the batch counts as one in sample_statistics(). Throws kInvalidArgument naming both
  /// numbers when the number of channels differs from the last batch's.
  void observe(const float* data, const Shape& shape, int64_t num_samples = 1);
  /// Adds what another observer of the same tensor saw, its samples after this one's.
  void merge(const Observer& other);

  int64_t num_samples() const { return num_samples_; }
  /// Finite elements; all figures but the two counts below are of these.
  int64_t num_elements() const { return total_.count; }
  int64_t num_nan() const { return total_.num_nan; }
  int64_t num_infinite() const { return total_.num_infinite; }
  /// 0 before the first finite element.
  float min() const { return total_.count > 0 ? total_.min : 0; }
  float max() const { return total_.count > 0 ? total_.max : 0; }
  float absmax() const { return std::max(std::abs(min()), std::abs(max())); }
  double mean() const { return total_.mean(); }
  const Histogram& histogram() const { return histogram_; }
  /// One entry for each channel, or a single one without an axis. Empty before the first batch.
  const std::vector<RowStatistics>& channels() const { return channels_; }
  std::vector<float> channel_means() const;
  /// 0 for channels without a finite element.
  std::vector<float> channel_absmax() const;
  /// One entry for each sample that had a finite element, in the order seen.
  const std::vector<SampleStatistics>& sample_statistics() const { return samples_; }
  const SliceCounts& slices() const { return slices_; }

 private:
  void observe_sample(const float* data, int64_t outer, int64_t inner);
  void reduce_sample(const float* data, int64_t outer, int64_t inner);
  void count_slices();
  void add_to_histogram(const float* data, int64_t n, const RowStatistics& sample);
  void resize_channels(int64_t num_channels);

  std::optional<int> axis_;
  int64_t num_samples_ = 0;
  RowStatistics total_;
  std::vector<RowStatistics> channels_;
  std::vector<RowStatistics> sample_channels_;  ///< Of the sample at hand.
  std::vector<RowStatistics> columns_;          ///< Scratch.
  std::vector<float> finite_;                   ///< Scratch.
  std::vector<SampleStatistics> samples_;
  SliceCounts slices_;
  Histogram histogram_;
};

}  // namespace burnish
