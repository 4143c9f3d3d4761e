#include "quantize/observer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace burnish {
namespace {

// Shorter runs of one channel are read as columns of a matrix, longer ones as rows.
constexpr int64_t kLongRow = 32;

}  // namespace

void Observer::resize_channels(int64_t num_channels) {
  const auto n = static_cast<size_t>(num_channels);
  check(channels_.empty() || channels_.size() == n, ErrorCode::kInvalidArgument,
        "a batch with {} channels follows one with {}: the channel axis must keep its size", n, channels_.size());
  channels_.resize(n);
}

void Observer::observe(const float* data, const Shape& shape, int64_t num_samples) {
  check(num_samples >= 1, ErrorCode::kInvalidArgument, "a batch of {} samples: at least 1 is needed", num_samples);
  const int axis = axis_ ? normalize_axis(*axis_, shape.rank()) : 0;
  const int64_t num_elements = shape.num_elements();
  num_samples_ += num_samples;
  if (num_elements == 0) return;
  resize_channels(axis_ ? shape[axis] : 1);
  const int64_t outer = axis_ ? shape.product(0, axis) : 1;
  const int64_t inner = axis_ ? shape.product(axis + 1, shape.rank()) : num_elements;
  // Without an axis the whole sample is one row.
  const bool divides = (axis_ ? outer : inner) % num_samples == 0;
  const int64_t pieces = divides ? num_samples : 1;
  for (int64_t p = 0; p < pieces; ++p) {
    observe_sample(data + p * (num_elements / pieces), axis_ ? outer / pieces : 1, axis_ ? inner : inner / pieces);
  }
}

void Observer::observe_sample(const float* data, int64_t outer, int64_t inner) {
  reduce_sample(data, outer, inner);
  RowStatistics sample;
  for (size_t c = 0; c < channels_.size(); ++c) {
    sample.merge(sample_channels_[c]);
    channels_[c].merge(sample_channels_[c]);
  }
  total_.merge(sample);
  if (sample.count > 0) samples_.push_back({sample.min, sample.max, sample.mean()});
  count_slices();
  add_to_histogram(data, outer * static_cast<int64_t>(channels_.size()) * inner, sample);
}

void Observer::reduce_sample(const float* data, int64_t outer, int64_t inner) {
  const size_t num_channels = channels_.size();
  sample_channels_.assign(num_channels, {});
  if (num_channels == 1) {
    sample_channels_[0] = reduce_row(data, outer * inner);
    return;
  }
  if (inner >= kLongRow) {
    for (int64_t o = 0; o < outer; ++o) {
      for (size_t c = 0; c < num_channels; ++c, data += inner) sample_channels_[c].merge(reduce_row(data, inner));
    }
    return;
  }
  columns_.assign(num_channels * static_cast<size_t>(inner), {});
  reduce_columns(data, outer, columns_);
  for (size_t i = 0; i < columns_.size(); ++i) sample_channels_[i / static_cast<size_t>(inner)].merge(columns_[i]);
}

void Observer::count_slices() {
  for (const RowStatistics& channel : sample_channels_) {
    if (channel.count < SliceCounts::kMinElements) continue;
    ++slices_.num_slices;
    if (channel.min != channel.max) continue;
    ++(channel.min == 0 ? slices_.num_zero : slices_.num_constant);
  }
}

void Observer::add_to_histogram(const float* data, int64_t n, const RowStatistics& sample) {
  if (sample.is_finite()) {
    histogram_.add({data, static_cast<size_t>(n)}, sample.min, sample.max);
    return;
  }
  finite_.clear();
  std::copy_if(data, data + n, std::back_inserter(finite_), [](float x) { return std::isfinite(x); });
  histogram_.add(finite_, sample.min, sample.max);
}

void Observer::merge(const Observer& other) {
  if (!other.channels_.empty()) resize_channels(static_cast<int64_t>(other.channels_.size()));
  for (size_t c = 0; c < other.channels_.size(); ++c) channels_[c].merge(other.channels_[c]);
  num_samples_ += other.num_samples_;
  total_.merge(other.total_);
  samples_.insert(samples_.end(), other.samples_.begin(), other.samples_.end());
  slices_.num_slices += other.slices_.num_slices;
  slices_.num_zero += other.slices_.num_zero;
  slices_.num_constant += other.slices_.num_constant;
  histogram_.merge(other.histogram_);
}

std::vector<float> Observer::channel_means() const {
  std::vector<float> means;
  for (const RowStatistics& channel : channels_) means.push_back(static_cast<float>(channel.mean()));
  return means;
}

std::vector<float> Observer::channel_absmax() const {
  std::vector<float> absmax;
  for (const RowStatistics& channel : channels_) {
    absmax.push_back(channel.count > 0 ? std::max(std::abs(channel.min), std::abs(channel.max)) : 0);
  }
  return absmax;
}

}  // namespace burnish
