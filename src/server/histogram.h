#pragma once
// Durations counted in bins whose width is a sixteenth of their power of two, so that a quantile is at most 6 % off.
#include <array>
#include <chrono>
#include <cstdint>

namespace burnish::server {

/// Durations in nanoseconds; quantiles of those beyond two hours are the longest one. Not thread-safe.
class Histogram {
 public:
  void record(uint64_t ns);
  void merge(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t sum_ns() const { return sum_ns_; }
  /// The duration that a share q (0 to 1) of all did not exceed: the upper edge of its bin, never above the longest
  /// one recorded. 0 when empty.
  uint64_t quantile_ns(double q) const;
  /// How many took at most so long, to the bin. Monotone in ns.
  uint64_t count_up_to(uint64_t ns) const;

 private:
  static constexpr int kBinsPerOctave = 16;
  static constexpr int kOctaves = 40;
  static size_t bin_of(uint64_t ns);
  static uint64_t upper_edge(size_t bin);
  std::array<uint64_t, kBinsPerOctave * kOctaves> bins_{};
  uint64_t count_ = 0, sum_ns_ = 0, max_ns_ = 0;
};

/// What was recorded since the start, and what in about the last minute. Not thread-safe.
class LatencyRecord {
 public:
  using Clock = std::chrono::steady_clock;
  void record(uint64_t ns, Clock::time_point now);
  const Histogram& all() const { return all_; }
  Histogram recent(Clock::time_point now) const;

 private:
  static constexpr std::chrono::seconds kSlice{10};
  static constexpr size_t kNumSlices = 6;
  struct Slice {
    int64_t number = -1;  // since the clock's epoch
    Histogram histogram;
  };
  static int64_t slice_number(Clock::time_point now) { return now.time_since_epoch() / kSlice; }
  Histogram all_;
  std::array<Slice, kNumSlices> slices_;
};

}  // namespace burnish::server
