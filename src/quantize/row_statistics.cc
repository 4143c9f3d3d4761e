#include "quantize/row_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace burnish {
namespace {

constexpr int64_t kLanes = 16;
// Float sums stay this short before they are added up as doubles.
constexpr int64_t kMaxSummands = 64;
constexpr int64_t kMaxColumns = 1024;

/// Accumulators in separate lanes, because floating point sums may not be reordered by the compiler. x − x is 0 for
/// finite x and NaN otherwise.
template <int64_t N>
struct Lanes {
  alignas(64) std::array<float, N> min, max, sum, strange;

  void clear(int64_t n) {
    std::fill_n(min.data(), n, std::numeric_limits<float>::infinity());
    std::fill_n(max.data(), n, -std::numeric_limits<float>::infinity());
    std::fill_n(sum.data(), n, 0.0F);
    std::fill_n(strange.data(), n, 0.0F);
  }
  void add(const float* x, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const auto l = static_cast<size_t>(i);
      min[l] = x[i] < min[l] ? x[i] : min[l];
      max[l] = x[i] > max[l] ? x[i] : max[l];
      sum[l] += x[i];
      strange[l] += x[i] - x[i];
    }
  }
};

RowStatistics slow_row(const float* data, int64_t n, int64_t stride) {
  RowStatistics s;
  for (int64_t i = 0; i < n; ++i) s.add(data[i * stride]);
  return s;
}

/// n is a multiple of kLanes, at most kLanes·kMaxSummands.
RowStatistics reduce_block(const float* data, int64_t n) {
  Lanes<kLanes> lanes;
  lanes.clear(kLanes);
  for (int64_t i = 0; i < n; i += kLanes) lanes.add(data + i, kLanes);
  RowStatistics s{.count = n};
  double strange = 0;
  for (size_t l = 0; l < kLanes; ++l) {
    s.min = std::min(s.min, lanes.min[l]);
    s.max = std::max(s.max, lanes.max[l]);
    s.sum += lanes.sum[l];
    strange += lanes.strange[l];
  }
  return strange == 0 && std::isfinite(s.sum) ? s : slow_row(data, n, 1);
}

/// A float sum of finite numbers can overflow; the slow way cannot.
bool is_sound(const Lanes<kMaxColumns>& lanes, size_t l) {
  return lanes.strange[l] == 0 && std::isfinite(lanes.sum[l]);
}

/// rows ≤ kMaxSummands, n ≤ kMaxColumns.
void reduce_tile(const float* data, int64_t rows, int64_t stride, RowStatistics* columns, int64_t n) {
  Lanes<kMaxColumns> lanes;
  lanes.clear(n);
  for (int64_t r = 0; r < rows; ++r) lanes.add(data + r * stride, n);
  for (int64_t c = 0; c < n; ++c) {
    const auto l = static_cast<size_t>(c);
    const RowStatistics fast{.min = lanes.min[l], .max = lanes.max[l], .sum = lanes.sum[l], .count = rows};
    columns[c].merge(is_sound(lanes, l) ? fast : slow_row(data + c, rows, stride));
  }
}

}  // namespace

void RowStatistics::add(float value) {
  if (std::isnan(value)) {
    ++num_nan;
  } else if (std::isinf(value)) {
    ++num_infinite;
  } else {
    min = std::min(min, value);
    max = std::max(max, value);
    sum += value;
    ++count;
  }
}

void RowStatistics::merge(const RowStatistics& other) {
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  sum += other.sum;
  count += other.count;
  num_nan += other.num_nan;
  num_infinite += other.num_infinite;
}

RowStatistics reduce_row(const float* data, int64_t n) {
  RowStatistics s;
  const int64_t even = n / kLanes * kLanes;
  for (int64_t at = 0; at < even; at += kLanes * kMaxSummands) {
    s.merge(reduce_block(data + at, std::min(kLanes * kMaxSummands, even - at)));
  }
  for (int64_t i = even; i < n; ++i) s.add(data[i]);
  return s;
}

void reduce_columns(const float* data, int64_t rows, std::vector<RowStatistics>& columns) {
  const auto width = static_cast<int64_t>(columns.size());
  for (int64_t r = 0; r < rows; r += kMaxSummands) {
    for (int64_t c = 0; c < width; c += kMaxColumns) {
      reduce_tile(data + r * width + c, std::min(kMaxSummands, rows - r), width, &columns[static_cast<size_t>(c)],
                  std::min(kMaxColumns, width - c));
    }
  }
}

}  // namespace burnish
