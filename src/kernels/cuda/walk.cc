#include "kernels/cuda/walk.h"

#include <algorithm>

namespace burnish::cuda {
namespace {

constexpr int64_t kLimit = int64_t{1} << 31;

/// Elements from the lowest to the highest that a tensor's strides reach.
int64_t span_of(const Shape& dims, const Shape& strides) {
  int64_t span = 1;
  for (int d = 0; d < dims.rank(); ++d) span += (dims[d] - 1) * std::abs(strides[d]);
  return span;
}

bool fits(const Loop& loop) {
  int64_t total = 1;
  for (const int64_t n : loop.dims) {
    total *= n;
    if (total >= kLimit) return false;
  }
  return std::all_of(loop.strides.begin(), loop.strides.end(),
                     [&](const Shape& s) { return span_of(loop.dims, s) < kLimit; });
}

WalkPiece piece_of(const Loop& loop, const std::vector<int64_t>& offsets) {
  WalkPiece piece;
  piece.offsets = offsets;
  piece.strides.resize(loop.strides.size());
  const int rank = loop.dims.rank();
  piece.dims.rank = std::max(1, rank);
  piece.dims.total = static_cast<uint32_t>(loop.dims.num_elements());
  for (int d = 0; d < rank; ++d) {
    const auto at = static_cast<size_t>(rank - 1 - d);
    piece.dims.sizes[at] = fast_divisor(loop.dims[d]);
    for (size_t t = 0; t < loop.strides.size(); ++t) {
      // The stride of a dimension of one leads nowhere and need not fit.
      const int64_t stride = loop.strides[t][d];
      piece.strides[t][at] = std::abs(stride) < kLimit ? static_cast<int32_t>(stride) : 0;
    }
  }
  return piece;
}

/// Halves the outermost dimension that can be until the parts fit.
void add_pieces(const Loop& loop, const std::vector<int64_t>& offsets, std::vector<WalkPiece>& pieces) {
  if (fits(loop)) return pieces.push_back(piece_of(loop, offsets));
  int d = 0;
  while (loop.dims[d] == 1) ++d;
  Loop first = loop, second = loop;
  first.dims[d] = loop.dims[d] / 2;
  second.dims[d] = loop.dims[d] - first.dims[d];
  std::vector<int64_t> moved = offsets;
  for (size_t t = 0; t < moved.size(); ++t) moved[t] += first.dims[d] * loop.strides[t][d];
  add_pieces(first, offsets, pieces);
  add_pieces(second, moved, pieces);
}

}  // namespace

FastDivisor fast_divisor(int64_t divisor) {
  check(divisor > 0 && divisor < kLimit, ErrorCode::kInternal, "no 32-bit divisor: {}", divisor);
  FastDivisor d;
  d.divisor = static_cast<uint32_t>(divisor);
  while ((int64_t{1} << d.shift) < divisor) ++d.shift;
  const uint64_t power = uint64_t{1} << d.shift;
  d.multiplier = static_cast<uint32_t>((power - d.divisor) * (uint64_t{1} << 32) / d.divisor + 1);
  return d;
}

Loop merged(const Loop& loop) {
  Loop result{{}, std::vector<Shape>(loop.strides.size())};
  for (int d = 0; d < loop.dims.rank(); ++d) {
    const int64_t n = loop.dims[d];
    if (n == 1) continue;
    const int last = result.dims.rank() - 1;
    bool merges = last >= 0;
    for (size_t t = 0; merges && t < loop.strides.size(); ++t) {
      merges = result.strides[t][last] == n * loop.strides[t][d];
    }
    if (merges) {
      result.dims[last] *= n;
    } else {
      result.dims.push_back(n);
    }
    for (size_t t = 0; t < loop.strides.size(); ++t) {
      if (merges) {
        result.strides[t][last] = loop.strides[t][d];
      } else {
        result.strides[t].push_back(loop.strides[t][d]);
      }
    }
  }
  return result;
}

std::vector<WalkPiece> walk_pieces(const Loop& loop) {
  check(loop.dims.rank() <= kMaxWalkDims, ErrorCode::kUnsupported, "a loop of {} dimensions is more than {}",
        loop.dims.rank(), kMaxWalkDims);
  std::vector<WalkPiece> pieces;
  if (loop.dims.num_elements() == 0) return pieces;
  add_pieces(loop, std::vector<int64_t>(loop.strides.size(), 0), pieces);
  return pieces;
}

bool packs_by(const Loop& loop, int64_t width) {
  if (width == 1) return true;
  const int last = loop.dims.rank() - 1;
  if (last < 0 || loop.dims[last] % width != 0) return false;
  return std::all_of(loop.strides.begin(), loop.strides.end(), [&](const Shape& strides) {
    if (strides[last] == 0) return true;
    if (strides[last] != 1) return false;
    for (int d = 0; d < last; ++d) {
      if (loop.dims[d] > 1 && strides[d] % width != 0) return false;
    }
    return true;
  });
}

Loop packed_by(const Loop& loop, int64_t width) {
  Loop packed = loop;
  const int last = loop.dims.rank() - 1;
  if (width == 1) return packed;
  packed.dims[last] /= width;
  for (Shape& strides : packed.strides) strides[last] *= width;
  return packed;
}

std::string_view walk_source() {
  return R"cuda(
struct FastDivisor { uint32 divisor, multiplier, shift; };
struct WalkDims { uint32 total; int32 rank; FastDivisor sizes[8]; };
struct WalkStrides { int32 step[8]; };

__device__ __forceinline__ uint32 divide(uint32 n, const FastDivisor& d) {
  return (__umulhi(n, d.multiplier) + n) >> d.shift;
}

// offset[t] = where item i stands in tensor t.
template <int N>
__device__ __forceinline__ void walk(const WalkDims& dims, const WalkStrides (&strides)[N], uint32 i,
                                     int32 (&offset)[N]) {
#pragma unroll
  for (int t = 0; t < N; ++t) offset[t] = 0;
#pragma unroll
  for (int d = 0; d < 8; ++d) {
    uint32 outer = 0, index = i;
    if (d + 1 < dims.rank) {
      outer = divide(i, dims.sizes[d]);
      index = i - outer * dims.sizes[d].divisor;
    }
#pragma unroll
    for (int t = 0; t < N; ++t) offset[t] += int32(index) * strides[t].step[d];
    if (d + 1 >= dims.rank) break;
    i = outer;
  }
}

// N elements that are moved 16 bytes at a time, or at once where they are fewer.
template <typename T, int N> struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) Pack { T v[N]; };
template <int N, typename T> __device__ __forceinline__ Pack<T, N> load_pack(const T* p) {
  return *reinterpret_cast<const Pack<T, N>*>(p);
}
template <typename T, int N> __device__ __forceinline__ void store_pack(T* p, const Pack<T, N>& x) {
  *reinterpret_cast<Pack<T, N>*>(p) = x;
}
)cuda";
}

}  // namespace burnish::cuda
