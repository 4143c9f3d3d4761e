#pragma once
// The loops of the observer: least, greatest and sum of many floats at once, noticing what is not finite.
#include <cstdint>
#include <limits>
#include <vector>

namespace burnish {

struct RowStatistics {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  double sum = 0;
  int64_t count = 0;  ///< Finite elements.
  int64_t num_nan = 0;
  int64_t num_infinite = 0;

  void add(float value);
  void merge(const RowStatistics& other);
  /// All that was seen was finite.
  bool is_finite() const { return num_nan == 0 && num_infinite == 0; }
  double mean() const { return count > 0 ? sum / static_cast<double>(count) : 0; }
};

/// Of n contiguous elements.
RowStatistics reduce_row(const float* data, int64_t n);
/// Of every column of a dense matrix [rows][columns]; columns.size() is the number of columns, and it is added to.
void reduce_columns(const float* data, int64_t rows, std::vector<RowStatistics>& columns);

}  // namespace burnish
