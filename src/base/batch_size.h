#pragma once
// The sizes of batches that the server forms, and that plans of capacity count on.
#include <cstdint>

namespace burnish {

/// The largest of 1, 2, 3, 4, 6, 8, 12, 16, 24, … up to so many items: a context prepares kernels for every size that
/// it meets, and what is left over follows at once. 1 for fewer.
constexpr int64_t prepared_batch_size(int64_t items) {
  int64_t size = 1;
  for (int64_t power = 1; power <= items; power *= 2) size = power + power / 2 <= items ? power + power / 2 : power;
  return size;
}

}  // namespace burnish
