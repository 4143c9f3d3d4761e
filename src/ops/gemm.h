#pragma once
// The reference product of matrices: portable C++, blocked, deterministic.
#include <cstdint>

namespace burnish {

/// A dense row-major matrix; row i starts at data + i·stride, and transposed swaps the roles of its two axes.
template <typename T>
struct Matrix {
  const T* data;
  int64_t stride;
  bool transposed = false;

  const T& at(int64_t row, int64_t column) const {
    return transposed ? data[column * stride + row] : data[row * stride + column];
  }
};

/// y[m, n] = a[m, k] · b[k, n], y dense. Sums are formed in blocks of k, so that rounding errors grow slowly; unsigned
/// types wrap. T: float, double or uint64_t.
template <typename T>
void multiply(int64_t m, int64_t n, int64_t k, const Matrix<T>& a, const Matrix<T>& b, T* y);

}  // namespace burnish
