#include "kernels/cuda/stream_k.h"

#include <algorithm>
#include <string>

namespace burnish::cuda {
namespace {

/// Fewer steps are not worth a block's start and the exchange of its sums.
constexpr int64_t kLeastSteps = 2;

#define BURNISH_TEXT(...) #__VA_ARGS__
constexpr std::string_view kShares =
#include "kernels/cuda/stream_k.inc"
    ;
#undef BURNISH_TEXT

// Why it neither hangs nor reads what is old:
// - A block waits for earlier blocks only, and those send their sums before they wait for anything. Blocks start in the
//   order of their numbers: whoever is waited for has started, whatever else is running and however few run at once.
// - The barrier puts all threads' sums before the flag's release; the flag's acquire and the barrier behind it put that
//   before all threads' reads. Those go past the L1 cache, which may hold what was there before.
// - A flag has one writer and one reader in a launch, and the reader lowers it: what run() finds at zero it leaves at
//   zero (KernelArgs::flags), in every replay of a graph. Later kernels touch it after wait_for_inputs() only, when
//   this one has ended. A launch that was begun ends, or the GPU is lost.
// - Sums are added in the order of blocks, whose number depends on the sizes and the GPU alone: the bits are the same
//   in every run.
constexpr std::string_view kExchange = R"cuda(
// Adds the sums of blocks [first, this one) to this block's.
template <int THREADS, int COUNT>
__device__ __forceinline__ void add_partials(float (&sums)[COUNT], const float* workspace, uint32* flags, int first) {
  for (int block = first + threadIdx.x; block < int(blockIdx.x); block += THREADS) {
    uint32 raised;
    do {
      asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                   : "=r"(raised) : "l"(__cvta_generic_to_global(flags + block)) : "memory");
    } while (raised == 0);
    asm volatile("st.relaxed.gpu.global.u32 [%0], %1;"
                 :: "l"(__cvta_generic_to_global(flags + block)), "r"(0u) : "memory");
  }
  __syncthreads();
  for (int block = first; block < int(blockIdx.x); ++block) {
    const float* from = workspace + int64(block) * THREADS * COUNT + threadIdx.x * 4;
#pragma unroll
    for (int i = 0; i < COUNT; i += 4) {
      float v[4];
      asm volatile("ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4];"
                   : "=f"(v[0]), "=f"(v[1]), "=f"(v[2]), "=f"(v[3])
                   : "l"(__cvta_generic_to_global(from + int64(i) * THREADS)) : "memory");
#pragma unroll
      for (int c = 0; c < 4; ++c) sums[i + c] += v[c];
    }
  }
}

// Hands this block's sums to the one that ends the tile. Threads have the same elements in all blocks.
template <int THREADS, int COUNT>
__device__ __forceinline__ void send_partial(const float (&sums)[COUNT], float* workspace, uint32* flags) {
  static_assert(COUNT % 4 == 0, "four sums are written at once");
  float* to = workspace + int64(blockIdx.x) * THREADS * COUNT + threadIdx.x * 4;
#pragma unroll
  for (int i = 0; i < COUNT; i += 4) {
    Vec<float, 4> v;
#pragma unroll
    for (int c = 0; c < 4; ++c) v.v[c] = sums[i + c];
    store_vec(to + int64(i) * THREADS, v);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("st.release.gpu.global.u32 [%0], %1;"
                 :: "l"(__cvta_generic_to_global(flags + blockIdx.x)), "r"(1u) : "memory");
  }
}
)cuda";

}  // namespace

StreamK share_by_stream_k(int64_t tiles, int64_t steps, int64_t most_blocks) {
  StreamK s{.tiles = tiles, .units = tiles * std::max<int64_t>(1, steps)};
  s.blocks = std::clamp<int64_t>(s.units / kLeastSteps, 1, std::max<int64_t>(1, most_blocks));
  return s;
}

std::string_view stream_k_source() {
  static const std::string text = std::string(kShares).append("\n").append(kExchange);
  return text;
}

}  // namespace burnish::cuda
