// The clipping range with the least expected squared error.
//
// Wider ranges round more coarsely, narrower ones clip more. Both are read off prefix sums, so that a range costs a few
// operations: a grid over both ends finds the valley, ever finer steps along each end its bottom.
#include <algorithm>

#include "quantize/signed_bins.h"

namespace burnish {
namespace {

constexpr int kGrid = 64;

/// Σ n·(x − end)²
double clipped(const SignedBins& bins, int begin, int end, double bound) {
  return bins.sum_xx(begin, end) - 2 * bound * bins.sum_x(begin, end) + bound * bound * bins.sum(begin, end);
}

double squared_error(const SignedBins& bins, const BinInterval& range, double num_steps) {
  const double step = (bins.edge(range.end) - bins.edge(range.begin)) / num_steps;
  return bins.sum(range.begin, range.end) * step * step / 12 + clipped(bins, 0, range.begin, bins.edge(range.begin)) +
         clipped(bins, range.end, bins.size(), bins.edge(range.end));
}

struct Best {
  BinInterval range;
  double error;
};

void try_range(const SignedBins& bins, BinInterval range, double num_steps, Best& best) {
  if (range.begin < 0 || range.begin > bins.anchor() || range.end < bins.anchor() || range.end > bins.size()) return;
  if (range.begin == range.end) return;
  const double error = squared_error(bins, range, num_steps);
  if (error < best.error) best = {range, error};
}

void search_grid(const SignedBins& bins, int stride, double num_steps, Best& best) {
  for (int begin = 0; begin <= bins.anchor(); begin += stride) {
    for (int end = bins.size(); end >= bins.anchor(); end -= stride) try_range(bins, {begin, end}, num_steps, best);
  }
}

void refine(const SignedBins& bins, int stride, double num_steps, Best& best) {
  double before = 0;
  do {
    before = best.error;
    const BinInterval r = best.range;
    for (const int step : {-stride, stride}) {
      try_range(bins, {r.begin + step, r.end}, num_steps, best);
      try_range(bins, {r.begin, r.end + step}, num_steps, best);
    }
  } while (best.error < before);
}

}  // namespace

BinInterval least_squared_error(const SignedBins& bins, int num_levels) {
  const double num_steps = num_levels - 1;
  const BinInterval whole{0, bins.size()};
  Best best{whole, squared_error(bins, whole, num_steps)};
  int stride = std::max(1, bins.size() / kGrid);
  search_grid(bins, stride, num_steps, best);
  for (; stride > 0; stride /= 2) refine(bins, stride, num_steps, best);
  return best.range;
}

}  // namespace burnish
