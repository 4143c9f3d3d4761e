// Comparison of what two sets of samples look like.
#include <algorithm>
#include <cmath>

#include "quantize/representative.h"

namespace burnish {
namespace {

/// Distribution function of a histogram at the edges k·width, width at least its own and a power of two times that.
class Cumulative {
 public:
  Cumulative(const Histogram& histogram, double width)
      : histogram_(histogram),
        ratio_(width / histogram.bin_width()),
        first_(histogram.edge(0) / histogram.bin_width()) {
    below_.push_back(0);
    for (int i = 0; i < Histogram::kNumBins; ++i) below_.push_back(below_.back() + histogram.count(i));
  }
  /// Share of elements below k·width; with_zeros also counts those that are exactly 0.
  double at(double k, bool with_zeros) const {
    const auto i = static_cast<size_t>(std::clamp(k * ratio_ - first_, 0.0, static_cast<double>(Histogram::kNumBins)));
    const int64_t n = below_[i] + (with_zeros ? histogram_.num_zeros() : 0);
    return static_cast<double>(n) / static_cast<double>(histogram_.num_elements());
  }

 private:
  const Histogram& histogram_;
  double ratio_, first_;
  std::vector<int64_t> below_;
};

}  // namespace

double kolmogorov_smirnov(const Histogram& a, const Histogram& b) {
  if (a.num_elements() == 0 || b.num_elements() == 0) return 0;
  // The width of a histogram of zeros says nothing.
  const Histogram& coarser = coarser_of(a, b);
  const double width = coarser.bin_width();
  const Cumulative below_a(a, a.empty() ? 1 : width), below_b(b, b.empty() ? 1 : width);
  double distance = std::abs(below_a.at(0, false) - below_b.at(0, false));
  for (int i = 0; i <= Histogram::kNumBins; ++i) {
    const double k = coarser.edge(i) / width;
    distance = std::max(distance, std::abs(below_a.at(k, k >= 0) - below_b.at(k, k >= 0)));
  }
  return distance;
}

}  // namespace burnish
