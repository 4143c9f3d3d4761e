#pragma once
// How long one execution takes, by batch size: measured at some sizes, interpolated between them.
#include <map>
#include <vector>

namespace burnish::cost {

class LatencyCurve {
 public:
  /// Batch size to seconds. Throws kInvalidArgument when there is none, a size is below 1, a time is not positive or
  /// not finite, or a larger batch takes clearly less time than a smaller one.
  explicit LatencyCurve(std::map<int, double> seconds_by_batch);

  /// Linear between measured sizes; below the smallest, as long as the smallest takes (the server pads). Throws
  /// kInvalidArgument beyond the largest: nothing is extrapolated.
  double seconds(int batch) const;
  int largest_batch() const { return points_.rbegin()->first; }
  /// The most items per second of one server that forms batches up to max_batch.
  double best_items_per_s(int max_batch) const;
  const std::map<int, double>& points() const { return points_; }
  /// All times multiplied.
  LatencyCurve scaled(double factor) const;

 private:
  std::map<int, double> points_;
};

}  // namespace burnish::cost
