#include "kernels/cuda/stem_source.h"

namespace burnish::cuda {

// A block's tile is kWarps · kRows rows of 16 results. The part of the image that they see lies in shared memory, four
// channels a pixel, so that a lane reads its share of four taps at once: K is ordered (tap, channel), and within a step
// of 16 the lane t of a fragment's row holds tap t. Columns are permuted so that a lane's sums of four 8-wide tiles are
// eight neighbouring columns; weights come in that order (pack_stem_weights()).
std::string_view stem_source() {
  return R"cuda(
constexpr int kThreads = 32 * kWarps, kTileW = 16, kTileH = kWarps * kRows;
constexpr int kPatchH = (kTileH - 1) * kStrideH + (kKernelH - 1) * kDilationH + 1;
constexpr int kPatchW = (kTileW - 1) * kStrideW + (kKernelW - 1) * kDilationW + 1;
constexpr int kPixels = kPatchH * kPatchW, kFetches = (kPixels + kThreads - 1) / kThreads;
constexpr int kTaps = kKernelH * kKernelW, kSteps = (kTaps + 3) / 4;
constexpr int kWeightBytes = kSteps * kBN / 16 * 512, kColumnsAt = kWeightBytes, kPatchAt = kColumnsAt + kBN * 8;
constexpr int kTilesN = kBN / 8;

// Steps in elements.
struct Args {
  int64 image_step, channel_step, pixel_step;
  int in_h, in_w, out_h, out_w;
  int tiles_h, tiles_w, tiles;
};

struct Place {
  int image, h, w;  // of the first result
};
__device__ __forceinline__ Place place_of(const Args& args, int tile) {
  const int row = tile / args.tiles_w, image = row / args.tiles_h;
  return {image, (row - image * args.tiles_h) * kTileH, (tile - row * args.tiles_w) * kTileW};
}

// A thread's pixels of the patch, on their way to shared memory.
struct Pixels {
  X v[kFetches][kChannels];
};
__device__ __forceinline__ void fetch(const Args& args, const X* x, int tile, Pixels& pixels) {
  const Place at = place_of(args, tile);
  const X* image = x + at.image * args.image_step;
  const int h0 = at.h * kStrideH - kPadTop, w0 = at.w * kStrideW - kPadLeft;
#pragma unroll
  for (int i = 0; i < kFetches; ++i) {
    const int index = threadIdx.x + i * kThreads, r = index / kPatchW;
    const int h = h0 + r, w = w0 + index - r * kPatchW;
    const bool inside = index < kPixels && uint32(h) < uint32(args.in_h) && uint32(w) < uint32(args.in_w);
    const X* pixel = image + (int64(h) * args.in_w + w) * args.pixel_step;
#pragma unroll
    for (int c = 0; c < kChannels; ++c) {
      pixels.v[i][c] = from_float<X>(0.f);
      if (inside) pixels.v[i][c] = pixel[c * args.channel_step];
    }
  }
}
__device__ __forceinline__ void put(const Pixels& pixels, Vec<T, 4>* patch) {
#pragma unroll
  for (int i = 0; i < kFetches; ++i) {
    Vec<T, 4> v;
#pragma unroll
    for (int c = 0; c < 4; ++c) v.v[c] = from_float<T>(c < kChannels ? to_float(pixels.v[i][c < kChannels ? c : 0]) : 0.f);
    if (threadIdx.x + i * kThreads < kPixels) patch[threadIdx.x + i * kThreads] = v;
  }
}

struct Sums {
  float v[kRows][kTilesN][4];
};
__device__ __forceinline__ void multiply(const char* patch, const char* weights, const int (&taps)[kSteps], Sums& sums) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int i = 0; i < kRows; ++i) {
#pragma unroll
    for (int j = 0; j < kTilesN; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) sums.v[i][j][e] = 0.f;
    }
  }
#pragma unroll
  for (int step = 0; step < kSteps; ++step) {
    uint32 a[kRows][4];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const char* at = patch + taps[step] + i * (kStrideH * kPatchW * 8);
      Vec<uint32, 2> upper = load_vec<uint32, 2>(reinterpret_cast<const uint32*>(at));
      Vec<uint32, 2> lower = load_vec<uint32, 2>(reinterpret_cast<const uint32*>(at + 8 * kStrideW * 8));
      // No tap: weights are 0 there, but what is read may be infinite.
      if (step * 4 + 3 >= kTaps && step * 4 + lane % 4 >= kTaps) upper.v[0] = upper.v[1] = lower.v[0] = lower.v[1] = 0;
      a[i][0] = upper.v[0];
      a[i][1] = lower.v[0];
      a[i][2] = upper.v[1];
      a[i][3] = lower.v[1];
    }
#pragma unroll
    for (int j = 0; j < kTilesN; j += 2) {
      const char* at = weights + (step * (kTilesN / 2) + j / 2) * 512 + lane * 16;
      const Vec<uint32, 4> b = load_vec<uint32, 4>(reinterpret_cast<const uint32*>(at));
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
        multiply_add<T>(sums.v[i][j], a[i], &b.v[0]);
        multiply_add<T>(sums.v[i][j + 1], a[i], &b.v[2]);
      }
    }
  }
}

__device__ __forceinline__ void finish(const Args& args, const Epilogue& e, const Place& at, const float* columns,
                                       const Sums& sums) {
  const int lane = threadIdx.x % 32, n0 = blockIdx.y * kBN;
#pragma unroll
  for (int group = 0; group < kBN / 32; ++group) {
    const int j = group * 32 + lane % 4 * 8, count = N - (n0 + j);
    if (count <= 0) continue;
    float scale[kChunk], bias[kChunk];
#pragma unroll
    for (int c = 0; c < kChunk; ++c) {
      scale[c] = columns[j + c];
      bias[c] = columns[kBN + j + c];
    }
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int h = at.h + threadIdx.x / 32 * kRows + i;
      if (h >= args.out_h) break;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int w = at.w + lane / 4 + half * 8;
        if (w >= args.out_w) break;
        float x[kChunk];
#pragma unroll
        for (int c = 0; c < kChunk; ++c) x[c] = sums.v[i][group * 4 + c / 2][half * 2 + c % 2];
        finish_chunk(e, (int64(at.image) * args.out_h + h) * args.out_w + w, n0 + j, count, e.wide, scale, bias, x);
      }
    }
  }
}

// Grid: blocks that take every gridDim.x-th tile; blocks of columns.
extern "C" __global__ void __launch_bounds__(kThreads) product(const X* x, const char* weights,
                                                               const __grid_constant__ Args args,
                                                               const __grid_constant__ Epilogue epilogue) {
  extern __shared__ __align__(128) char shared[];
  float* columns = reinterpret_cast<float*>(shared + kColumnsAt);
  char* patch = shared + kPatchAt;
  const int lane = threadIdx.x % 32;
  const char* block_weights = weights + int64(blockIdx.y) * kWeightBytes;
  for (int i = threadIdx.x * 16; i < kWeightBytes; i += kThreads * 16) {
    copy_async<16>(shared_address(shared + i), block_weights + i, true);
  }
  commit_copies();
  int taps[kSteps];
#pragma unroll
  for (int step = 0; step < kSteps; ++step) {
    const int tap = min(step * 4 + lane % 4, kTaps - 1), r = tap / kKernelW;
    taps[step] = (r * kDilationH * kPatchW + (tap - r * kKernelW) * kDilationW) * 8;
  }
  const char* corner = patch + (threadIdx.x / 32 * kRows * kStrideH * kPatchW + lane / 4 * kStrideW) * 8;
  wait_for_inputs();
  let_next_start();
  for (int i = threadIdx.x; i < kBN; i += kThreads) {
    const int column = blockIdx.y * kBN + i;
    columns[i] = column < N ? column_scale(epilogue, column) : 0.f;
    columns[kBN + i] = column < N ? column_bias(epilogue, column) : 0.f;
  }
  Pixels pixels;
  int tile = blockIdx.x;
  if (tile < args.tiles) fetch(args, x, tile, pixels);
  wait_for_copies<0>();
  while (tile < args.tiles) {
    put(pixels, reinterpret_cast<Vec<T, 4>*>(patch));
    __syncthreads();
    // Under way while this tile is computed.
    const int next = tile + gridDim.x;
    if (next < args.tiles) fetch(args, x, next, pixels);
    Sums sums;
    multiply(corner, shared, taps, sums);
    finish(args, epilogue, place_of(args, tile), columns, sums);
    __syncthreads();
    tile = next;
  }
}
)cuda";
}

}  // namespace burnish::cuda
