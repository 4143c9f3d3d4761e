#pragma once
// A histogram prepared for the search of a clipping range: only the bins in use, and prefix sums over them.
#include <cstdint>
#include <vector>

#include "quantize/calibrator.h"

namespace burnish {

/// Bins 0 … size()−1 in ascending order of value; zero is the lower edge of bin `anchor`. Folded bins are of absolute
/// values: anchor is 0 and levels are half of those of the whole range.
class SignedBins {
 public:
  SignedBins(const Observer& observer, bool folded);

  int size() const { return static_cast<int>(counts_.size()); }
  int anchor() const { return anchor_; }
  double width() const { return width_; }
  double edge(int i) const { return (i - anchor_) * width_; }
  double count(int i) const { return counts_[static_cast<size_t>(i)]; }
  /// Over bins begin … end−1, of n elements with bin centres x: Σ n, Σ n·x, Σ n·x², Σ n·ln n, and how many have n > 0.
  double sum(int begin, int end) const { return difference(sum_, begin, end); }
  double sum_x(int begin, int end) const { return difference(sum_x_, begin, end); }
  double sum_xx(int begin, int end) const { return difference(sum_xx_, begin, end); }
  double sum_log(int begin, int end) const { return difference(sum_log_, begin, end); }
  double num_filled(int begin, int end) const { return difference(filled_, begin, end); }

 private:
  static double difference(const std::vector<double>& prefix, int begin, int end) {
    return prefix[static_cast<size_t>(end)] - prefix[static_cast<size_t>(begin)];
  }
  void sum_up();
  std::vector<double> counts_, sum_, sum_x_, sum_xx_, sum_log_, filled_;
  int anchor_ = 0;
  double width_ = 1;
};

/// An interval of bins [begin, end) that contains zero's edge.
struct BinInterval {
  int begin, end;
};

/// The published search over symmetric clipping thresholds; see calibrate_entropy.cc. num_levels are the bins' own.
BinInterval least_divergence(const SignedBins& bins, int num_levels);
/// The interval with the least expected squared error; with folded bins begin is 0.
BinInterval least_squared_error(const SignedBins& bins, int num_levels);

}  // namespace burnish
