#include "quantize/signed_bins.h"

#include <algorithm>
#include <cmath>

namespace burnish {

SignedBins::SignedBins(const Observer& observer, bool folded) : width_(observer.histogram().bin_width()) {
  const Histogram& histogram = observer.histogram();
  const int first = histogram.bin_of(std::min(observer.min(), 0.0F));
  const int last = histogram.bin_of(std::max(observer.max(), 0.0F));
  const int zero = histogram.bin_of(0);
  const auto at = [&](int i) { return static_cast<double>(histogram.count(i)); };
  if (folded) {
    counts_.assign(static_cast<size_t>(std::max(last + 1 - zero, zero - first)), 0.0);
    for (int i = first; i <= last; ++i) counts_[static_cast<size_t>(i >= zero ? i - zero : zero - 1 - i)] += at(i);
  } else {
    anchor_ = zero - first;
    for (int i = first; i <= last; ++i) counts_.push_back(at(i));
  }
  sum_up();
}

void SignedBins::sum_up() {
  for (auto* prefix : {&sum_, &sum_x_, &sum_xx_, &sum_log_, &filled_}) prefix->push_back(0);
  for (int i = 0; i < size(); ++i) {
    const double n = count(i), x = edge(i) + width_ / 2;
    sum_.push_back(sum_.back() + n);
    sum_x_.push_back(sum_x_.back() + n * x);
    sum_xx_.push_back(sum_xx_.back() + n * x * x);
    sum_log_.push_back(sum_log_.back() + (n > 0 ? n * std::log(n) : 0));
    filled_.push_back(filled_.back() + (n > 0 ? 1 : 0));
  }
}

}  // namespace burnish
