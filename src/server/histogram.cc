#include "server/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace burnish::server {

// Below 16 ns a bin is one nanosecond wide.
size_t Histogram::bin_of(uint64_t ns) {
  if (ns < kBinsPerOctave) return ns;
  const int exponent = std::bit_width(ns) - 5;  // ns >> exponent is in [16, 32)
  const auto bin = static_cast<size_t>(exponent) * kBinsPerOctave + (ns >> exponent);
  return std::min<size_t>(bin, kBinsPerOctave * kOctaves - 1);
}

uint64_t Histogram::upper_edge(size_t bin) {
  if (bin < 2 * kBinsPerOctave) return bin;
  const size_t exponent = bin / kBinsPerOctave - 1;
  const uint64_t mantissa = bin % kBinsPerOctave + kBinsPerOctave;
  return ((mantissa + 1) << exponent) - 1;
}

void Histogram::record(uint64_t ns) {
  ++bins_[bin_of(ns)];
  ++count_;
  sum_ns_ += ns;
  max_ns_ = std::max(max_ns_, ns);
}

void Histogram::merge(const Histogram& other) {
  for (size_t b = 0; b < bins_.size(); ++b) bins_[b] += other.bins_[b];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

uint64_t Histogram::quantile_ns(double q) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<uint64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t b = 0; b < bins_.size(); ++b) {
    seen += bins_[b];
    if (seen >= std::max<uint64_t>(rank, 1)) return b + 1 == bins_.size() ? max_ns_ : std::min(upper_edge(b), max_ns_);
  }
  return max_ns_;
}

uint64_t Histogram::count_up_to(uint64_t ns) const {
  uint64_t count = 0;
  for (size_t b = 0; b <= bin_of(ns); ++b) count += bins_[b];
  return count;
}

void LatencyRecord::record(uint64_t ns, Clock::time_point now) {
  all_.record(ns);
  const int64_t number = slice_number(now);
  Slice& slice = slices_[static_cast<size_t>(number) % kNumSlices];
  if (slice.number != number) slice = {number, {}};
  slice.histogram.record(ns);
}

Histogram LatencyRecord::recent(Clock::time_point now) const {
  const int64_t number = slice_number(now);
  Histogram recent;
  for (const Slice& slice : slices_) {
    const bool counts = slice.number >= 0 && slice.number > number - static_cast<int64_t>(kNumSlices);
    if (counts) recent.merge(slice.histogram);
  }
  return recent;
}

}  // namespace burnish::server
