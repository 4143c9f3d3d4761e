#pragma once
// What several tactics ask of a problem.
#include <cstdint>
#include <vector>

#include "kernels/tactic.h"

namespace burnish {

/// Whether optional input i is absent, or its integers are at hand.
inline bool known_ints(const Problem& problem, int i) {
  if (!problem.has_input(i)) return true;
  const Tensor& t = problem.constants[static_cast<size_t>(i)];
  return t.dtype() == DType::kInt64 || t.dtype() == DType::kInt32;
}

/// The elements of a constant INT64 or INT32 input; empty when absent. Requires known_ints().
inline std::vector<int64_t> ints_at(const Problem& problem, int i) {
  if (!problem.has_input(i)) return {};
  const Tensor& t = problem.constants[static_cast<size_t>(i)];
  std::vector<int64_t> values(static_cast<size_t>(t.num_elements()));
  for (size_t k = 0; k < values.size(); ++k) {
    values[k] = t.dtype() == DType::kInt64 ? t.as<int64_t>()[k] : t.as<int32_t>()[k];
  }
  return values;
}

inline bool is_float(const TensorDesc& desc) {
  return desc.dtype == DType::kFloat32;
}
inline bool is_dense_float(const TensorDesc& desc) {
  return is_float(desc) && desc.dense();
}

/// Threads that per-thread scratch memory was reserved for: a pool with more of them runs the step on one.
inline int usable_threads(const ThreadPool& pool, int reserved) {
  return pool.num_threads() <= reserved ? pool.num_threads() : 1;
}

}  // namespace burnish
