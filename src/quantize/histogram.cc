#include "quantize/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace burnish {
namespace {

// The reciprocal of the bin width must be a normal float.
constexpr int kMinExponent = -126;
constexpr size_t kBlock = 256;
// Runs of zeros are counted in turns in neighbouring slots: one slot alone would make each increment wait for the last.
constexpr int32_t kZeroSlots = 8;

double bin_at(double value, int exponent) {
  return std::floor(std::ldexp(value, -exponent));
}

int exponent_for(double low, double high) {
  int exponent = std::max(kMinExponent, std::ilogb(std::max(-low, high)) - 11);
  while (bin_at(high, exponent) - bin_at(low, exponent) >= Histogram::kNumBins) ++exponent;
  return exponent;
}

/// slots[i] = the index in counts of values[i]. Masks instead of conditions let compilers vectorise the loop; zeros
/// come in no order that a branch predictor could learn.
void find_slots(const float* values, int32_t n, float per_bin, int32_t first, int32_t* slots) {
  for (int32_t i = 0; i < n; ++i) {
    const float position = values[i] * per_bin;
    const auto truncated = static_cast<int32_t>(position);
    const auto below = static_cast<int32_t>(position < static_cast<float>(truncated));
    const int32_t zero = -static_cast<int32_t>(values[i] == 0);
    slots[i] = ((truncated - below - first) & ~zero) | ((Histogram::kNumBins + i % kZeroSlots) & zero);
  }
}

}  // namespace

double Histogram::bin_width() const {
  return std::ldexp(1.0, exponent_);
}

int Histogram::bin_of(double value) const {
  return static_cast<int>(std::clamp(bin_at(value, exponent_) - first_, 0.0, kNumBins - 1.0));
}

void Histogram::grow(float low, float high) {
  counts_.resize(kNumBins + 1);
  low = std::min(low, low_);
  high = std::max(high, high_);
  if (low == low_ && high == high_) return;
  const int exponent = exponent_for(low, high);
  const auto first = static_cast<int>(bin_at(low, exponent));
  const int shift = empty() ? 0 : exponent - exponent_;
  std::vector<int64_t> old(kNumBins + 1);
  old.swap(counts_);
  const int old_first = first_;
  const bool was_empty = empty();
  first_ = first;
  exponent_ = exponent;
  low_ = low;
  high_ = high;
  counts_[kNumBins] = old[kNumBins];
  if (!was_empty) add_shifted(old, old_first, shift);
}

void Histogram::add_shifted(const std::vector<int64_t>& counts, int first, int shift) {
  for (int i = 0; i < kNumBins; ++i) {
    const int64_t count = counts[static_cast<size_t>(i)];
    if (count > 0) counts_[static_cast<size_t>(((first + i) >> shift) - first_)] += count;
  }
}

void Histogram::add(std::span<const float> values, float low, float high) {
  if (values.empty()) return;
  grow(low, high);
  const auto per_bin = static_cast<float>(std::ldexp(1.0, -exponent_));
  std::array<int32_t, kBlock> slots;
  counts_.resize(kNumBins + kZeroSlots);
  for (size_t at = 0; at < values.size(); at += kBlock) {
    const size_t n = std::min(kBlock, values.size() - at);
    find_slots(values.data() + at, static_cast<int32_t>(n), per_bin, first_, slots.data());
    for (size_t i = 0; i < n; ++i) ++counts_[static_cast<size_t>(slots[i])];
  }
  num_elements_ += static_cast<int64_t>(values.size());
  counts_[kNumBins] = std::accumulate(counts_.begin() + kNumBins, counts_.end(), int64_t{0});
  counts_.resize(kNumBins + 1);
}

void Histogram::merge(const Histogram& other) {
  if (other.num_elements_ == 0) return;
  grow(other.low_, other.high_);
  counts_[kNumBins] += other.counts_[kNumBins];
  num_elements_ += other.num_elements_;
  if (!other.empty()) add_shifted(other.counts_, other.first_, exponent_ - other.exponent_);
}

int64_t Histogram::num_outside(double low, double high) const {
  int64_t n = 0;
  for (int i = 0; i < kNumBins; ++i) {
    if (edge(i) >= high || edge(i + 1) <= low) n += count(i);
  }
  return n;
}

const Histogram& coarser_of(const Histogram& a, const Histogram& b) {
  return b.empty() || (!a.empty() && a.bin_width() >= b.bin_width()) ? a : b;
}

}  // namespace burnish
