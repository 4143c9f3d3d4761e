#include "ops/gemm.h"

#include <algorithm>
#include <vector>

namespace burnish {
namespace {

constexpr int64_t kRows = 4;      // of y in one tile
constexpr int64_t kColumns = 8;   // of y in one tile: eight accumulators of four floats
constexpr int64_t kDepth = 256;   // of k in one block: both panels stay in the first cache
constexpr int64_t kMaxRows = 64;  // of a in one packed block

// out[k][kColumns]: columns [column, column + width) of b, zeros behind them.
template <typename T>
void pack_columns(const Matrix<T>& b, int64_t begin, int64_t depth, int64_t column, int64_t width, T* out) {
  for (int64_t p = 0; p < depth; ++p, out += kColumns) {
    for (int64_t j = 0; j < width; ++j) out[j] = b.at(begin + p, column + j);
    std::fill(out + width, out + kColumns, T{0});
  }
}

// out[row/kRows][k][kRows]: rows of a in groups of kRows, zeros behind the last.
template <typename T>
void pack_rows(const Matrix<T>& a, int64_t begin, int64_t depth, int64_t row, int64_t height, T* out) {
  for (int64_t i = 0; i < height; i += kRows)
    for (int64_t p = 0; p < depth; ++p)
      for (int64_t r = 0; r < kRows; ++r) *out++ = i + r < height ? a.at(row + i + r, begin + p) : T{0};
}

template <typename T>
void multiply_tile(int64_t depth, const T* a, const T* b, T (&sums)[kRows][kColumns]) {
  T total[kRows][kColumns] = {};
  for (int64_t p = 0; p < depth; ++p, a += kRows, b += kColumns)
    for (int64_t r = 0; r < kRows; ++r)
      for (int64_t j = 0; j < kColumns; ++j) total[r][j] += a[r] * b[j];
  for (int64_t r = 0; r < kRows; ++r)
    for (int64_t j = 0; j < kColumns; ++j) sums[r][j] = total[r][j];
}

// Adds one packed block of rows times one packed panel of columns to y.
template <typename T>
void add_panel(int64_t depth, const T* rows, int64_t height, const T* panel, int64_t width, T* y, int64_t stride) {
  T sums[kRows][kColumns];
  for (int64_t i = 0; i < height; i += kRows, rows += kRows * depth) {
    multiply_tile(depth, rows, panel, sums);
    for (int64_t r = 0; r < std::min(kRows, height - i); ++r)
      for (int64_t j = 0; j < width; ++j) y[(i + r) * stride + j] += sums[r][j];
  }
}

}  // namespace

template <typename T>
void multiply(int64_t m, int64_t n, int64_t k, const Matrix<T>& a, const Matrix<T>& b, T* y) {
  std::fill_n(y, m * n, T{0});
  std::vector<T> rows(static_cast<size_t>(kMaxRows * kDepth));
  std::vector<T> columns(static_cast<size_t>((n + kColumns - 1) / kColumns * kColumns * kDepth));
  for (int64_t p = 0; p < k; p += kDepth) {
    const int64_t depth = std::min(kDepth, k - p);
    for (int64_t j = 0; j < n; j += kColumns)
      pack_columns(b, p, depth, j, std::min(kColumns, n - j), columns.data() + j * depth);
    for (int64_t i = 0; i < m; i += kMaxRows) {
      const int64_t height = std::min(kMaxRows, m - i);
      pack_rows(a, p, depth, i, height, rows.data());
      for (int64_t j = 0; j < n; j += kColumns)
        add_panel(depth, rows.data(), height, columns.data() + j * depth, std::min(kColumns, n - j), y + i * n + j, n);
    }
  }
}

template void multiply<float>(int64_t, int64_t, int64_t, const Matrix<float>&, const Matrix<float>&, float*);
template void multiply<double>(int64_t, int64_t, int64_t, const Matrix<double>&, const Matrix<double>&, double*);
template void multiply<uint64_t>(int64_t, int64_t, int64_t, const Matrix<uint64_t>&, const Matrix<uint64_t>&,
                                 uint64_t*);

}  // namespace burnish
