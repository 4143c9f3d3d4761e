// The clipping threshold that loses the least information.
//
// Source: S. Migacz, 8-bit Inference with TensorRT, GTC 2017. For each threshold T, P is the histogram within ±T with
// what lies outside added to its outermost bins, and Q the histogram within ±T merged to as many groups as there are
// integers, each group's elements spread evenly over those of its bins that are not empty. The threshold with the least
// Kullback-Leibler divergence of Q from P wins. Here ±T is also cut to what was seen, so that one-sided tensors use all
// integers; bins that only P fills get a small share of Q; exact zeros, which every T represents, are left out; and no
// T cuts off more than a thousandth of the rest: numbers that occur very often, as where images have a plain
// background, make every T look bad that lets Q spread them over their neighbours, and would drive T down to a bin for
// each integer.
//
// Sums over all bins come from prefix sums, so that a threshold costs one logarithm a group.
#include <algorithm>
#include <cmath>
#include <limits>

#include "quantize/signed_bins.h"

namespace burnish {
namespace {

// What Q has, in elements, where it has none.
constexpr double kSmallShare = 1e-4;
constexpr double kMostClipped = 1e-3;

double x_log_x(double x) {
  return x > 0 ? x * std::log(x) : 0;
}

struct Group {
  int begin, end;
};

Group group_of(const BinInterval& window, int group, int num_groups) {
  const int64_t n = window.end - window.begin;
  return {window.begin + static_cast<int>(n * group / num_groups),
          window.begin + static_cast<int>(n * (group + 1) / num_groups)};
}

/// Elements of Q in each bin of the group that is not empty.
double share(const SignedBins& bins, const Group& group) {
  const double filled = bins.num_filled(group.begin, group.end);
  return filled > 0 ? bins.sum(group.begin, group.end) / filled : kSmallShare;
}

/// Σ P·ln P − P·ln Q at an outermost bin, beyond what that bin's own elements contribute.
double outlier_cost(const SignedBins& bins, int bin, const Group& group, double outliers) {
  const double own = bins.count(bin);
  const double q = own > 0 ? share(bins, group) : kSmallShare;
  return x_log_x(own + outliers) - x_log_x(own) - outliers * std::log(q);
}

/// KL(P ‖ Q)
double divergence(const SignedBins& bins, const BinInterval& window, int num_groups) {
  const double all = bins.sum(0, bins.size()), inside = bins.sum(window.begin, window.end);
  if (inside <= 0) return std::numeric_limits<double>::infinity();
  double sum = bins.sum_log(window.begin, window.end);
  for (int g = 0; g < num_groups; ++g) {
    const Group group = group_of(window, g, num_groups);
    const double elements = bins.sum(group.begin, group.end);
    if (elements > 0) sum -= elements * std::log(share(bins, group));
  }
  const double below = bins.sum(0, window.begin), above = bins.sum(window.end, bins.size());
  if (below > 0) sum += outlier_cost(bins, window.begin, group_of(window, 0, num_groups), below);
  if (above > 0) sum += outlier_cost(bins, window.end - 1, group_of(window, num_groups - 1, num_groups), above);
  return sum / all - std::log(all) + std::log(inside);
}

}  // namespace

BinInterval least_divergence(const SignedBins& bins, int num_levels) {
  const BinInterval whole{0, bins.size()};
  BinInterval best = whole;
  double least = std::numeric_limits<double>::infinity();
  const int longest = std::max(bins.anchor(), bins.size() - bins.anchor());
  for (int threshold = longest; threshold > 0; --threshold) {
    const BinInterval window{std::max(0, bins.anchor() - threshold), std::min(bins.size(), bins.anchor() + threshold)};
    const double clipped = bins.sum(0, bins.size()) - bins.sum(window.begin, window.end);
    if (window.end - window.begin < num_levels || clipped > kMostClipped * bins.sum(0, bins.size())) break;
    const double d = divergence(bins, window, num_levels);
    if (d < least) {
      least = d;
      best = window;
    }
  }
  return best;
}

}  // namespace burnish
