#pragma once
// Index arithmetic that generated programs share: which element of each tensor belongs to item i of a launch. All sizes
// and strides are run-time parameters, so that one program serves every shape; divisions are by multiplication.
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/shape.h"
#include "kernels/cuda/launch.h"

namespace burnish::cuda {

inline constexpr int kMaxWalkDims = 8;

/// n / divisor = (high half of n·multiplier + n) >> shift for 0 ≤ n < 2³¹. Granlund and Montgomery, "Division by
/// invariant integers using multiplication", https://doi.org/10.1145/178243.178249.
struct FastDivisor {
  uint32_t divisor = 1, multiplier = 1, shift = 0;
};
/// Requires 0 < divisor < 2³¹.
FastDivisor fast_divisor(int64_t divisor);

/// As programs take them: the innermost dimension first.
struct WalkDims {
  uint32_t total = 0;
  int32_t rank = 1;
  std::array<FastDivisor, kMaxWalkDims> sizes;
};
using WalkStrides = std::array<int32_t, kMaxWalkDims>;

/// A loop over `dims` in which every tensor has strides of its own (elements; may be zero or negative).
struct Loop {
  Shape dims;
  std::vector<Shape> strides;
};

/// The same elements in the same order with as few dimensions as possible.
Loop merged(const Loop& loop);

/// Part of a loop that 32-bit arithmetic can walk. offsets: elements from each tensor's pointer to the part's first.
struct WalkPiece {
  WalkDims dims;
  std::vector<WalkStrides> strides;
  std::vector<int64_t> offsets;
};

/// The loop in as few parts as 32 bits allow, nearly always one; none when it is empty. Throws kUnsupported for more
/// than kMaxWalkDims dimensions.
std::vector<WalkPiece> walk_pieces(const Loop& loop);

/// Groups of `width` neighbours of the innermost dimension become one element; strides count elements still. Requires
/// packs_by().
Loop packed_by(const Loop& loop, int64_t width);
/// Whether the innermost dimension divides into such groups and each tensor either has its group in one aligned place,
/// given an aligned pointer, or repeats one element along that dimension.
bool packs_by(const Loop& loop, int64_t width);

/// Whether the pointer is a multiple of `bytes`.
inline bool is_aligned(const void* pointer, int64_t bytes) {
  return reinterpret_cast<uintptr_t>(pointer) % static_cast<uintptr_t>(bytes) == 0;
}

/// Device code: FastDivisor, WalkDims, WalkStrides, divide(), walk(), Pack, load_pack(), store_pack().
std::string_view walk_source();

}  // namespace burnish::cuda
