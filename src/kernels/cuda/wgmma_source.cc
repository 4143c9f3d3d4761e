#include "kernels/cuda/wgmma_source.h"

#include "base/error.h"

namespace burnish::cuda {
namespace {

/// The instruction for so many columns: each thread's sums are listed one by one.
std::string multiply_source(int columns, const std::string& type) {
  const int sums = columns / 2;
  std::string places, operands;
  for (int i = 0; i < sums; ++i) {
    places += fmt::format("{}%{}", i == 0 ? "" : ",", i);
    operands += fmt::format("{}\"+f\"(d[{}])", i == 0 ? "" : ", ", i);
  }
  return fmt::format(R"cuda(
// d (+)= 64 rows of A · {0} rows of B, over 16 elements of K.
__device__ __forceinline__ void multiply(float (&d)[{1}], uint64 a, uint64 b, int accumulate) {{
  asm volatile("{{\n.reg .pred p;\nsetp.ne.b32 p, %{2}, 0;\n"
               "wgmma.mma_async.sync.aligned.m64n{0}k16.f32.{3}.{3} {{{4}}}, %{5}, %{6}, p, 1, 1, 0, 0;\n}}"
               : {7} : "l"(a), "l"(b), "r"(accumulate));
}}
)cuda",
                     columns, sums, sums + 2, type, places, sums, sums + 1, operands);
}

/// Barriers, copies and products. The PTX ISA reference: mbarrier, cp.async.bulk.tensor, wgmma, setmaxnreg.
std::string_view instructions() {
  return R"cuda(
struct alignas(128) TensorMap { uint64 words[16]; };

__device__ __forceinline__ void init_barrier(uint32 barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(barrier), "r"(arrivals) : "memory");
}
// The copy engine sees the barriers that were initialised.
__device__ __forceinline__ void publish_barriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
__device__ __forceinline__ void arrive(uint32 barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(barrier) : "memory");
}
__device__ __forceinline__ uint32 rank_in_cluster() {
  uint32 rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
// At the same barrier of another block of the cluster.
__device__ __forceinline__ void arrive_at_block(uint32 barrier, uint32 block) {
  asm volatile("{\n.reg .b32 remote;\nmapa.shared::cluster.u32 remote, %0, %1;\n"
               "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [remote];\n}" :: "r"(barrier), "r"(block) : "memory");
}
// Arrives, and lets the phase last until so many more bytes have been copied.
__device__ __forceinline__ void arrive_expecting(uint32 barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(barrier), "r"(bytes) : "memory");
}
__device__ __forceinline__ bool has_passed(uint32 barrier, uint32 parity) {
  uint32 passed;
  asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
               : "=r"(passed) : "r"(barrier), "r"(parity) : "memory");
  return passed != 0;
}
// Until the phase of this parity is over. A barrier that nobody reaches must not hang the GPU: after 2^34 clocks (some
// ten seconds) the launch fails.
__device__ __forceinline__ void wait_barrier(uint32 barrier, uint32 parity) {
  if (has_passed(barrier, parity)) return;
  const int64 begin = clock64();
  while (!has_passed(barrier, parity)) {
    if (clock64() - begin > (int64(1) << 34)) __trap();
  }
}
__device__ __forceinline__ void copy_box(uint32 to, const TensorMap& map, uint32 barrier, int x, int y) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];"
               :: "r"(to), "l"(&map), "r"(barrier), "r"(x), "r"(y) : "memory");
}
__device__ __forceinline__ void copy_box(uint32 to, const TensorMap& map, uint32 barrier, int x, int y, int z) {
  asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];"
               :: "r"(to), "l"(&map), "r"(barrier), "r"(x), "r"(y), "r"(z) : "memory");
}
// To the same place in the shared memory of the cluster's blocks in `mask`, whose barriers each count the bytes.
__device__ __forceinline__ void copy_box_to_blocks(uint32 to, const TensorMap& map, uint32 barrier, int x, int y, int z,
                                                   uint32 mask) {
  asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
               "[%0], [%1, {%3, %4, %5}], [%2], %6;"
               :: "r"(to), "l"(&map), "r"(barrier), "r"(x), "r"(y), "r"(z), "h"(uint16(mask)) : "memory");
}
// Windows from (w, h, n) on, of each the pixel (s, r) further on.
__device__ __forceinline__ void copy_windows(uint32 to, const TensorMap& map, uint32 barrier, int c, int w, int h, int n,
                                             int s, int r) {
  asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes "
               "[%0], [%1, {%3, %4, %5, %6}], [%2], {%7, %8};"
               :: "r"(to), "l"(&map), "r"(barrier), "r"(c), "r"(w), "r"(h), "r"(n), "h"(uint16(s)), "h"(uint16(r))
               : "memory");
}
// What this thread wrote to shared memory becomes visible to the tensor cores, once a barrier orders them behind it.
__device__ __forceinline__ void publish_writes() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

template <int COUNT> __device__ __forceinline__ void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" :: "n"(COUNT));
}
template <int COUNT> __device__ __forceinline__ void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" :: "n"(COUNT));
}
// Between the 128 threads of a warpgroup.
__device__ __forceinline__ void synchronize_group(int group) {
  asm volatile("bar.sync %0, 128;" :: "r"(group + 1) : "memory");
}
__device__ __forceinline__ void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void commit_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int PENDING> __device__ __forceinline__ void wait_for_products() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" :: "n"(PENDING) : "memory");
}
// Nothing that uses it moves across.
__device__ __forceinline__ void pin(float& x) { asm volatile("" : "+f"(x) :: "memory"); }
)cuda";
}

// A stage holds kBM rows of A, then kBN rows of B; rows are kBK = 64 elements, 128 bytes, swizzled as the copy engine
// does it: chunk c of 16 bytes of row r lies at r * 128 + (c ^ r % 8) * 16. Stages begin at multiples of 1024 bytes, so
// that the swizzle is one of addresses.
//
// Steps of K run over taps, of each over blocks of channels. The stages are a ring: step i of all the block's steps
// uses stage i % kStages for the (i / kStages)th time, and barriers' phases count those times. A phase is known by its
// parity only: who waits must be less than two behind. Warpgroups that take tiles in turn therefore begin the steps of
// one only when the other has done those before (the barriers at kTurnsAt).
//
// Two blocks of a cluster take tiles one below the other, with the same columns: each fetches half of the tile of B for
// both. A stage may then be filled when the consumers of both have handed it back.
std::string_view kernel() {
  return R"cuda(
constexpr int kBK = 64, kConsumers = kAlternate ? 2 : kGroupsM * kGroupsN, kThreads = 128 * (kConsumers + 1);
constexpr int kWM = kBM / kGroupsM, kWN = kBN / kGroupsN;  // a warpgroup's tile
constexpr int kRowBytes = kBK * 2, kABytes = kBM * kRowBytes, kBBytes = kBN * kRowBytes;
constexpr int kStageBytes = kABytes + kBBytes;
constexpr int kBarriersAt = kStages * kStageBytes, kTurnsAt = kBarriersAt + kStages * 16;
constexpr int kColumnsAt = kTurnsAt + 16;
constexpr int kProducerRegisters = 40, kConsumerRegisters = 232;  // 128 · 40 + 256 · 232 ≤ 65536

struct Args {
  int m, n, tiles_n, num_tiles;  // num_tiles: a cluster's tiles count as one
  int taps, channel_blocks;  // num_k = taps * channel_blocks
  int num_k, channels, lda;
  int a_by_boxes;            // A may be read by the copy engine; else it is read element by element
  int in_h, in_w, out_h, out_w;
  int kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
};

// The cluster's next tiles in the order of m; a tile below the last row gives no results.
struct Tiles {
  int index, m0, n0;
  __device__ __forceinline__ explicit Tiles(const Args& args) : index(blockIdx.x / kCluster) { place(args); }
  __device__ __forceinline__ bool left(const Args& args) const { return index < args.num_tiles; }
  __device__ __forceinline__ void advance(const Args& args) {
    index += gridDim.x / kCluster;
    place(args);
  }
  __device__ __forceinline__ void place(const Args& args) {
    m0 = (index / args.tiles_n * kCluster + int(blockIdx.x % kCluster)) * kBM;
    n0 = index % args.tiles_n * kBN;
  }
};

__device__ __forceinline__ bool shares_b(const Args& args) { return kCluster > 1 && args.a_by_boxes; }

struct Ring {
  uint32 stage, phase;
  __device__ __forceinline__ explicit Ring(uint32 step) : stage(step % kStages), phase(step / kStages % 2) {}
  __device__ __forceinline__ void advance() {
    if (++stage == kStages) {
      stage = 0;
      phase ^= 1;
    }
  }
};

// The first pixel that a row of A reads: its place in the image, maybe in the padding, and the image.
struct Corner {
  int w, h, image;
};
__device__ __forceinline__ Corner corner_of(const Args& args, int m) {
  Corner c = {0, 0, 0};
  if constexpr (kIm2col) {
    const int row = int(uint32(m) / uint32(args.out_w));
    c.image = int(uint32(row) / uint32(args.out_h));
    c.w = (m - row * args.out_w) * args.stride_w - args.pad_left;
    c.h = (row - c.image * args.out_h) * args.stride_h - args.pad_top;
  }
  return c;
}

// A step of K: a tap at (r, s), and the block of channels from c on.
struct Step {
  int tap = 0, r = 0, s = 0, c = 0;
  __device__ __forceinline__ void advance(const Args& args) {
    c += kBK;
    if (c < args.channels) return;
    c = 0;
    ++tap;
    if (++s == args.kernel_w) {
      s = 0;
      ++r;
    }
  }
};

// Element by element, by all threads of the producer: for memory that the copy engine cannot read.
__device__ __forceinline__ void gather_a(const Args& args, const T* a, uint32 tile, int m0, Step step) {
  const int chunk = threadIdx.x % 8;
#pragma unroll 1
  for (int row = threadIdx.x % 128 / 8; row < kBM; row += 16) {
    const Corner corner = corner_of(args, m0 + row);
    const int w = corner.w + step.s * args.dilation_w, h = corner.h + step.r * args.dilation_h;
    bool inside = m0 + row < args.m;
    int64 at = int64(m0 + row) * args.lda;
    if constexpr (kIm2col) {
      inside = inside && uint32(w) < uint32(args.in_w) && uint32(h) < uint32(args.in_h);
      at = ((int64(corner.image) * args.in_h + h) * args.in_w + w) * args.lda;
    }
    const int c = step.c + chunk * 8;
    Vec<uint32, 4> v;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const bool valid = inside && c < args.channels;  // a multiple of eight
      const T* from = a + at + c + 2 * i;
      v.v[i] = valid ? uint32(from[0].bits) | uint32(from[1].bits) << 16 : 0u;
    }
    store_shared(tile + row * kRowBytes + ((chunk ^ (row % 8)) << 4), v);
  }
  publish_writes();
}

// Boxes of B have kBN / kCluster rows.
template <bool SHARED>
__device__ __forceinline__ void fetch_b(uint32 to, const TensorMap& map, uint32 filled, const Step& step, int n0) {
  constexpr int kRows = kBN / kCluster;
  if constexpr (SHARED && kCluster > 1) {
    const int part = int(rank_in_cluster());
    copy_box_to_blocks(to + part * (kRows * kRowBytes), map, filled, step.c, step.tap, n0 + part * kRows,
                       (1u << kCluster) - 1);
  } else {
#pragma unroll
    for (int part = 0; part < kCluster; ++part) {
      copy_box(to + part * (kRows * kRowBytes), map, filled, step.c, step.tap, n0 + part * kRows);
    }
  }
}

__device__ __forceinline__ void fetch_tiles(const Args& args, const T* a, const TensorMap& a_map, const TensorMap& b_map,
                                            uint32 shared) {
  const uint32 full = shared + kBarriersAt, empty = full + kStages * 8;
  const bool leads = threadIdx.x % 128 == 0;
  if (args.a_by_boxes && !leads) return;
  Ring ring(0);
  for (Tiles tiles(args); tiles.left(args); tiles.advance(args)) {
    const int m0 = tiles.m0, n0 = tiles.n0;
    const Corner corner = corner_of(args, m0);
    Step step;
    for (int k = 0; k < args.num_k; ++k) {
      const uint32 to = shared + ring.stage * kStageBytes, filled = full + ring.stage * 8;
      wait_barrier(empty + ring.stage * 8, ring.phase ^ 1);
      if (args.a_by_boxes) {
        arrive_expecting(filled, kStageBytes);
        if constexpr (kIm2col) {
          copy_windows(to, a_map, filled, step.c, corner.w, corner.h, corner.image, step.s * args.dilation_w,
                       step.r * args.dilation_h);
        } else {
          copy_box(to, a_map, filled, step.c, m0);
        }
        fetch_b<true>(to + kABytes, b_map, filled, step, n0);
      } else {
        gather_a(args, a, to, m0, step);
        if (leads) {
          arrive_expecting(filled, kBBytes);
          fetch_b<false>(to + kABytes, b_map, filled, step, n0);
        } else {
          arrive(filled);
        }
      }
      step.advance(args);
      ring.advance();
    }
  }
}

// A matrix in shared memory as products read it (PTX ISA, "matrix descriptor"): bits 0-13 the address / 16; bits 16-29
// the leading dimension's offset / 16, which swizzled rows along K do not use; bits 32-45 the stride dimension's offset
// / 16: from eight rows to the next eight, 8 · 128 bytes; bits 62-63 the swizzle, 1: of 128 bytes. Another 16 elements
// of K lie 32 bytes further on: the swizzle is one of address bits 4-6 by bits 7-9, which the offset leaves alone.
__device__ __forceinline__ uint64 descriptor_of(uint32 address) {
  return uint64(1) << 62 | uint64(8 * kRowBytes / 16) << 32 | uint64(1) << 16 | uint64((address & 0x3ffff) >> 4);
}

// Of each 64 rows, thread t of the warpgroup has columns 8 j + t % 4 * 2 + {0, 1} of rows t / 32 * 16 + t % 32 / 4 in
// d[4 j + {0, 1}], and of the rows 8 further down in d[4 j + {2, 3}].
struct Sums {
  float d[kWM / 64][kWN / 2];
};

__device__ __forceinline__ void multiply_step(uint32 a, uint32 b, bool accumulate, Sums& sums) {
  begin_products();
  const uint64 a_rows = descriptor_of(a), b_rows = descriptor_of(b);
#pragma unroll
  for (int k = 0; k < kBK / 16; ++k) {
#pragma unroll
    for (int i = 0; i < kWM / 64; ++i) {
      multiply(sums.d[i], a_rows + i * (64 * kRowBytes / 16) + k * 2, b_rows + k * 2, accumulate || k > 0);
    }
  }
  commit_products();
}

// A warp hands a stage back to every block that fills it.
__device__ __forceinline__ void hand_back(const Args& args, uint32 empty) {
  if (threadIdx.x % 32 == 0) arrive(empty);
  if constexpr (kCluster > 1) {
    if (shares_b(args) && threadIdx.x % 32 == 1) arrive_at_block(empty, rank_in_cluster() ^ 1);
  }
}

// All steps of a tile; every stage is handed back as soon as its products are done.
__device__ __forceinline__ void multiply_tile(const Args& args, uint32 shared, uint32 first_step, int gm, int gn,
                                              Sums& sums) {
  const uint32 full = shared + kBarriersAt, empty = full + kStages * 8;
  Ring ring(first_step);
  uint32 previous = 0;
  for (int k = 0; k < args.num_k; ++k) {
    const uint32 tile = shared + ring.stage * kStageBytes;
    wait_barrier(full + ring.stage * 8, ring.phase);
    multiply_step(tile + gm * (kWM * kRowBytes), tile + kABytes + gn * (kWN * kRowBytes), k > 0, sums);
    wait_for_products<1>();
    if (k > 0) hand_back(args, empty + previous * 8);
    previous = ring.stage;
    ring.advance();
  }
  wait_for_products<0>();
  hand_back(args, empty + previous * 8);
#pragma unroll
  for (int i = 0; i < kWM / 64; ++i) {
#pragma unroll
    for (int j = 0; j < kWN / 2; ++j) pin(sums.d[i][j]);
  }
}

// Between the four lanes of a quad: lane t has two columns, kN items, of each of four chunks; it gets all of chunk t.
template <int kN, typename Item> __device__ __forceinline__ void turn_quad(Item (&x)[4 * kN]) {
  const int t = threadIdx.x % 4;
#pragma unroll
  for (int mask = 1; mask <= 2; mask *= 2) {
    const bool upper = (t & mask) != 0;
#pragma unroll
    for (int pair = 0; pair < 4; ++pair) {
      if (pair & mask) continue;
#pragma unroll
      for (int e = 0; e < kN; ++e) {
        Item &low = x[kN * pair + e], &high = x[kN * (pair + mask) + e];
        const Item got = __shfl_xor_sync(0xffffffffu, upper ? low : high, mask);
        if (upper) low = got;
        else high = got;
      }
    }
  }
}

// Y; where that is FLOAT, for which nothing is packed, a type that compiles.
template <typename X> struct Narrow { using Type = X; };
template <> struct Narrow<float> { using Type = f16; };

__device__ __forceinline__ void store_packed(const Epilogue& e, int row, int column, int count, const uint32 (&pairs)[4]) {
  if (e.wide) {  // of one output
    const Destination to = destination_of(e, column);
    const Vec<uint32, 4> v = {pairs[0], pairs[1], pairs[2], pairs[3]};
    *reinterpret_cast<Vec<uint32, 4>*>(to.y + int64(row) * to.ldy) = v;
    return;
  }
#pragma unroll
  for (int i = 0; i < kChunk; ++i) {
    if (i < count) {
      const Destination to = destination_of(e, column + i);
      *reinterpret_cast<uint16*>(to.y + int64(row) * to.ldy) = uint16(pairs[i / 2] >> (i % 2 * 16));
    }
  }
}

// finish_tile() of results of 16 bits without a residual: two make a word before lanes exchange them.
__device__ __forceinline__ void finish_packed(const Args& args, const Epilogue& e, const Sums& sums, const float* columns,
                                              int m0, int n0) {
  const int lane = threadIdx.x % 32, first_row = m0 + threadIdx.x / 32 % 4 * 16 + lane / 4;
#pragma unroll
  for (int q = 0; q < kWN / 32; ++q) {
    if (n0 + q * 32 >= args.n) break;
    const int own = q * 32 + lane % 4 * 2, column = n0 + q * 32 + lane % 4 * 8, count = args.n - column;
    float scale[kChunk], bias[kChunk];
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
      const int j = own + i / 2 * 8 + i % 2;
      scale[i] = kScaled ? columns[j] : kAlpha;
      bias[i] = kBiased ? columns[kWN + j] : 0.f;
    }
#pragma unroll
    for (int i = 0; i < kWM / 64; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        uint32 pairs[4];
#pragma unroll
        for (int c = 0; c < 4; ++c) {
          const float* d = &sums.d[i][(q * 4 + c) * 4 + half * 2];
          pairs[c] = pack2<Narrow<Y>::Type>(activate(d[0] * scale[2 * c] + bias[2 * c]),
                                            activate(d[1] * scale[2 * c + 1] + bias[2 * c + 1]));
        }
        turn_quad<1>(pairs);
        const int row = first_row + i * 64 + half * 8;
        if (row < args.m && count > 0) store_packed(e, row, column, count, pairs);
      }
    }
  }
}

// A warpgroup's sums become results from row m0 and column n0 on. columns: their scales, then their biases.
__device__ __forceinline__ void finish_tile(const Args& args, const Epilogue& e, const Sums& sums, const float* columns,
                                            int m0, int n0) {
  const int lane = threadIdx.x % 32, first_row = m0 + threadIdx.x / 32 % 4 * 16 + lane / 4;
#pragma unroll
  for (int q = 0; q < kWN / 32; ++q) {
    if (n0 + q * 32 >= args.n) break;
    const int j = q * 32 + lane % 4 * 8, count = args.n - (n0 + j);
    float scale[kChunk], bias[kChunk];
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
      scale[i] = kScaled ? columns[j + i] : kAlpha;
      bias[i] = kBiased ? columns[kWN + j + i] : 0.f;
    }
#pragma unroll
    for (int i = 0; i < kWM / 64; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float x[kChunk];
#pragma unroll
        for (int c = 0; c < kChunk; ++c) x[c] = sums.d[i][(q * 4 + c / 2) * 4 + half * 2 + c % 2];
        turn_quad<2>(x);
        const int row = first_row + i * 64 + half * 8;
        if (row < args.m && count > 0) finish_chunk(e, row, n0 + j, count, e.wide, scale, bias, x);
      }
    }
  }
}

__device__ __forceinline__ void make_results(const Args& args, const Epilogue& e, uint32 shared, float* all_columns) {
  // From one lane, so that the compiler knows that warps do not diverge.
  const int group = __shfl_sync(0xffffffffu, int(threadIdx.x / 128), 0), t = threadIdx.x % 128;
  const int gm = kAlternate ? 0 : group / kGroupsN, gn = kAlternate ? 0 : group % kGroupsN;
  float* columns = all_columns + group * 2 * kWN;
  int turn = 0;
  for (Tiles tiles(args); tiles.left(args); tiles.advance(args), ++turn) {
    if (kAlternate && turn % 2 != group) continue;
    const int m0 = tiles.m0 + gm * kWM, n0 = tiles.n0 + gn * kWN;
    synchronize_group(group);  // the last tile's columns have been read
    for (int i = t; i < kWN; i += 128) {
      const bool inside = n0 + i < args.n;
      if (kScaled) columns[i] = inside ? column_scale(e, n0 + i) : 0.f;
      if (kBiased) columns[kWN + i] = inside ? column_bias(e, n0 + i) : 0.f;
    }
    Sums sums;
    const uint32 turns = shared + kTurnsAt;
    if (kAlternate && turn > 0) wait_barrier(turns + group * 8, uint32(turn - 1) / 2 % 2);
    multiply_tile(args, shared, uint32(turn) * uint32(args.num_k), gm, gn, sums);
    if (kAlternate && t % 32 == 0) arrive(turns + (1 - group) * 8);
    synchronize_group(group);
    if constexpr (sizeof(Y) == 2 && kResidual == 0) {
      finish_packed(args, e, sums, columns, m0, n0);
    } else {
      finish_tile(args, e, sums, columns, m0, n0);
    }
  }
}

// Grid: as many clusters as run at once; each takes every such tile in turn. Warpgroups: the consumers, the producer.
extern "C" __global__ void __launch_bounds__(kThreads, 1) product(const __grid_constant__ TensorMap a_map,
                                                                  const __grid_constant__ TensorMap b_map, const T* a,
                                                                  const __grid_constant__ Args args,
                                                                  const __grid_constant__ Epilogue epilogue) {
  extern __shared__ __align__(1024) char memory[];
  const uint32 shared = (shared_address(memory) + 1023u) & ~1023u;
  float* columns = reinterpret_cast<float*>(memory + (shared - shared_address(memory)) + kColumnsAt);
  if (threadIdx.x == 0) {
    for (int i = 0; i < kStages; ++i) {
      init_barrier(shared + kBarriersAt + i * 8, args.a_by_boxes ? 1 : 128);
      // Every warp of the warpgroups that read the stage hands it back.
      init_barrier(shared + kBarriersAt + (kStages + i) * 8,
                   (kAlternate ? 4 : 4 * kConsumers) * (shares_b(args) ? kCluster : 1));
    }
    for (int i = 0; i < 2; ++i) init_barrier(shared + kTurnsAt + i * 8, 4);
    publish_barriers();
  }
  if constexpr (kCluster > 1) synchronize_cluster();
  else __syncthreads();
  wait_for_inputs();
  let_next_start();
  if (threadIdx.x / 128 == kConsumers) {
    if constexpr (kConsumers > 1) give_registers<kProducerRegisters>();
    fetch_tiles(args, a, a_map, b_map, shared);
  } else {
    if constexpr (kConsumers > 1) take_registers<kConsumerRegisters>();
    make_results(args, epilogue, shared, columns);
  }
  if constexpr (kCluster > 1) synchronize_cluster();  // the other block may still write here
}
)cuda";
}

}  // namespace

std::string wgmma_source(const WgmmaConfig& c, bool im2col, const std::string& narrow_type) {
  std::string s = fmt::format(
      "constexpr int kBM = {}, kBN = {}, kGroupsM = {}, kGroupsN = {}, kStages = {}, kCluster = {};\n"
      "constexpr bool kAlternate = {}, kIm2col = {};\n",
      c.bm, c.bn, c.groups_m, c.groups_n, c.stages, c.cluster, c.alternate, im2col);
  s += instructions();
  s += multiply_source(c.group_columns(), narrow_type);
  return s += kernel();
}

}  // namespace burnish::cuda
