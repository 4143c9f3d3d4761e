#pragma once
// Offsets in one arena from lifetimes. A pure function, used by the compiler to predict and by a context to lay out.
#include <cstdint>
#include <span>
#include <vector>

namespace burnish {

struct BufferRequest {
  int64_t num_bytes = 0;
  int32_t first_step = 0;  ///< Step that writes it first.
  int32_t last_step = 0;   ///< Last step that touches it.
};

struct MemoryPlan {
  std::vector<int64_t> offsets;  ///< Per request, multiples of kAlignment.
  int64_t arena_bytes = 0;
};

/// Buffers whose lifetimes overlap never overlap in memory. Greedy by size, best fit.
MemoryPlan plan_memory(std::span<const BufferRequest> requests);

}  // namespace burnish
