#pragma once
// A histogram whose range grows with the data.
//
// Bins are [k·w, (k+1)·w) with w a power of two, anchored at 0: growing the range doubles w and adds neighbouring bins,
// which is exact. w is the smallest power of two for which kNumBins bins cover 0 and all that was seen, so the result
// depends on the set of values alone, neither on their order nor on how merges were nested. Elements that are exactly 0
// (half of a ReLU's output) are counted apart: they are representable exactly and would drown everything else.
#include <cstdint>
#include <span>
#include <vector>

namespace burnish {

class Histogram {
 public:
  static constexpr int kNumBins = 2048;

  /// All values are finite and within [low, high].
  void add(std::span<const float> values, float low, float high);
  void merge(const Histogram& other);

  /// No element but exact zeros so far.
  bool empty() const { return low_ == 0 && high_ == 0; }
  /// 1 when empty().
  double bin_width() const;
  /// Lower edge of bin i; edge(i + 1) is its upper one.
  double edge(int i) const { return (first_ + i) * bin_width(); }
  double center(int i) const { return (first_ + i + 0.5) * bin_width(); }
  /// Elements in bin i, 0 ≤ i < kNumBins, exact zeros left out.
  int64_t count(int i) const { return counts_.empty() ? 0 : counts_[static_cast<size_t>(i)]; }
  int64_t num_zeros() const { return counts_.empty() ? 0 : counts_[kNumBins]; }
  /// Zeros included.
  int64_t num_elements() const { return num_elements_; }
  /// The bin that holds value, clamped to the bins there are.
  int bin_of(double value) const;
  /// How many elements lie outside [low, high), low ≤ 0 < high. Exact where both are multiples of bin_width(), as they
  /// are where they are multiples of another histogram's greater one.
  int64_t num_outside(double low, double high) const;

 private:
  void grow(float low, float high);
  void add_shifted(const std::vector<int64_t>& counts, int first, int shift);

  std::vector<int64_t> counts_;  ///< kNumBins bins, then the zeros; empty before the first element.
  int first_ = 0;                ///< counts_[0] is the bin [first_·w, (first_+1)·w).
  int exponent_ = 0;             ///< w = 2^exponent_.
  float low_ = 0, high_ = 0;     ///< The range covered.
  int64_t num_elements_ = 0;
};

/// The one with the wider bins. An empty one only where both are.
const Histogram& coarser_of(const Histogram& a, const Histogram& b);

}  // namespace burnish
