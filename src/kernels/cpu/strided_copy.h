#pragma once
// N-dimensional copies with arbitrary strides: what transposes, slices, splits, concats and expansions are made of.
#include <cstdint>

#include "base/shape.h"
#include "base/thread_pool.h"
#include "kernels/cpu/simd/swap.h"
#include "kernels/tactic.h"

namespace burnish {

/// One box of elements to be copied. Strides and offsets are in elements; a source stride may be negative or zero.
struct StridedCopy {
  Shape dims;
  Shape source_strides;
  Shape target_strides;
  int64_t source_offset = 0;
  int64_t target_offset = 0;
  int64_t element_bytes = 0;
  const SwapKernels* swap = nullptr;  ///< Null: plain loops.

  /// Drops dimensions of one element, orders the others by falling target stride and merges what is contiguous on both
  /// sides. The same elements go to the same places afterwards, in longer runs.
  void simplify();
  /// Requires simplify(). Does nothing when source and target are the same place.
  void run(const void* source, void* target, ThreadPool& pool) const;
};

/// Element strides of a tensor whose rows may stand apart.
Shape strides_of(const TensorDesc& desc);

}  // namespace burnish
