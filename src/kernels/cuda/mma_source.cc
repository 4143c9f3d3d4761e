#include "kernels/cuda/mma_source.h"

namespace burnish::cuda {

// Constants in front of it (mma_source.h): T, X, W (types), kBM kBN kBK, kWarpsM kWarpsN, kStages, kSplits, kStreamK,
// kTensorCores, kAUnit, kBUnit (elements that lie together; 0: gathered one by one), kBByK, kPlain, kNhwc, geometry; N,
// K, KB, IN_H, … are numbers or members of args.
//
// Tiles of A are kBM rows of kBK elements, those of B kBN rows of kBK (with kBByK: kBK rows of kBN); rows consist of
// chunks of 16 bytes, whose places within a row are permuted so that neither copies nor matrix loads meet in a bank.
std::string_view mma_source() {
  return R"cuda(
constexpr int kVec = 16 / sizeof(T);  // elements of a chunk
constexpr int kThreads = 32 * kWarpsM * kWarpsN;
constexpr int kWM = kBM / kWarpsM, kWN = kBN / kWarpsN;  // a warp's tile
constexpr int kABytes = kBM * kBK * int(sizeof(T)), kBBytes = kBN * kBK * int(sizeof(T));
constexpr int kStageBytes = kABytes + kBBytes;
constexpr int kSumStride = kBN + 8;  // floats between rows of the sums in shared memory
constexpr int kSumBytes = kBM * kSumStride * 4;
constexpr int kColumnsAt = kStages * kStageBytes > kSumBytes ? kStages * kStageBytes : kSumBytes;
constexpr int kKChunks = kBK / kVec;
constexpr int kARows = kThreads / kKChunks;  // rows that all threads copy at once
constexpr int kACopies = (kBM + kARows - 1) / kARows;

// Results are made of the sums where they are, in registers. For this tiles hold B's columns in another order: that of
// row r is column_of(r), and a lane's sums of four 8-wide tiles are eight neighbouring columns.
constexpr bool kDirect = kTensorCores && kSplits == 1 && kBTransposed && kWN % 32 == 0 && kWholeChunks;
__device__ __forceinline__ int column_of(int row) {
  return kDirect ? row / 32 * 32 + row % 8 / 2 * 8 + row % 32 / 8 * 2 + row % 2 : row;
}

struct Args {
  int64 a_step[4], b_step[4];  // elements from one matrix to the next, by batch dimension, innermost last
  int batch_dims[4];
  int m, n, k, lda, ldb;
  int in_h, in_w, out_h, out_w;
  int a_aligned, b_aligned;    // whether units of A and B are
  int tiles_n;
  float* workspace;            // partial sums: [split][batch][m][n]; of stream-K as add_partials() reads them
  // Of stream-K: tiles of a matrix, units of all work and of a tile, a flag for every block.
  int tiles, units, units_each;
  uint32* flags;
};

// Byte offset of a chunk in a tile whose rows are kChunks chunks long.
template <int kChunks> __device__ __forceinline__ uint32 chunk_offset(int row, int chunk) {
  constexpr int kSwap = kChunks < 8 ? kChunks : 8;
  return uint32(row * kChunks + (chunk ^ (row / (8 / kSwap) % kSwap))) * 16u;
}

// Where the pixels of one row of A (one result) begin. Offsets are in elements and may be negative: of the corner that
// lies in the padding.
struct Pixel {
  int offset, h, w;
  uint32 taps;  // bit t: tap t lies inside the image
};
constexpr bool kTapBits = kTaps <= 32;

__device__ __forceinline__ Pixel pixel_of(const Args& args, int m) {
  Pixel p = {0, 0, 0, 0};
  const bool inside = m < args.m;
  if (!inside) m = 0;
  if constexpr (kPlain) {
    p.offset = m * args.lda;
    p.taps = inside;
  } else {
    const uint32 row = uint32(m) / uint32(OUT_W);
    const int q = m - int(row) * OUT_W;
    const int image = int(row / uint32(OUT_H));
    p.h = (int(row) - image * OUT_H) * kStrideH - kPadTop;
    p.w = q * kStrideW - kPadLeft;
    if constexpr (kNhwc) p.offset = ((image * IN_H + p.h) * IN_W + p.w) * args.lda;
    else p.offset = (image * kImageChannels * IN_H + p.h) * IN_W + p.w;
    if constexpr (kTapBits) {
      uint32 columns = 0;
#pragma unroll
      for (int s = 0; s < kKernelW; ++s) columns |= uint32(uint32(p.w + s * kDilationW) < uint32(IN_W)) << s;
#pragma unroll
      for (int r = 0; r < kKernelH; ++r) {
        if (uint32(p.h + r * kDilationH) < uint32(IN_H)) p.taps |= columns << (r * kKernelW);
      }
      if (!inside) p.taps = 0;
    } else if (!inside) {
      p.h = -(1 << 30);
    }
  }
  return p;
}

// An element of K: where it lies relative to a pixel's corner.
struct Tap {
  int offset, index, r, s;
};
__device__ __forceinline__ Tap tap_of(const Args& args, int k) {
  Tap t = {k, 0, 0, 0};
  if constexpr (!kPlain) {
    t.index = int(uint32(k) / uint32(kChannels));
    const int c = k - t.index * kChannels;
    t.r = t.index / kKernelW;
    t.s = t.index - t.r * kKernelW;
    const int pixel = t.r * kDilationH * IN_W + t.s * kDilationW;
    t.offset = kNhwc ? pixel * args.lda + c : pixel + c * (IN_H * IN_W);
  }
  return t;
}
__device__ __forceinline__ bool reads(const Args& args, const Pixel& p, const Tap& t, int k) {
  if (k >= K) return false;
  if constexpr (kTapBits) return p.taps >> t.index & 1u;
  return uint32(p.h + t.r * kDilationH) < uint32(IN_H) && uint32(p.w + t.s * kDilationW) < uint32(IN_W);
}

__device__ __forceinline__ void copy_a(const Args& args, const X* a, uint32 tile, const Pixel (&pixels)[kACopies],
                                       int m0, int k0) {
  const int chunk = threadIdx.x % kKChunks, row0 = threadIdx.x / kKChunks;
  if constexpr (kAByUnit) {
    if (args.a_aligned) {
#pragma unroll
      for (int u = 0; u < kVec / kAUnit; ++u) {
        const int k = k0 + chunk * kVec + u * kAUnit;
        const Tap tap = tap_of(args, k);
#pragma unroll
        for (int i = 0; i < kACopies; ++i) {
          const int row = row0 + i * kARows;
          if (kBM % kARows != 0 && row >= kBM) break;
          const bool valid = reads(args, pixels[i], tap, k);
          copy_async<kAUnit * sizeof(T)>(tile + chunk_offset<kKChunks>(row, chunk) + u * kAUnit * sizeof(T),
                                         valid ? a + pixels[i].offset + tap.offset : a, valid);
        }
      }
      return;
    }
  }
#pragma unroll 1
  for (int row = row0; row < kBM; row += kARows) {
    const Pixel pixel = pixel_of(args, m0 + row);
    union { T t[kVec]; Vec<uint32, 4> v; };
#pragma unroll
    for (int e = 0; e < kVec; ++e) {
      const int k = k0 + chunk * kVec + e;
      const Tap tap = tap_of(args, k);
      t[e] = from_float<T>(reads(args, pixel, tap, k) ? to_float(a[pixel.offset + tap.offset]) : 0.f);
    }
    store_shared(tile + chunk_offset<kKChunks>(row, chunk), v);
  }
}

__device__ __forceinline__ void copy_b(const Args& args, const W* b, uint32 tile, int n0, int k0) {
  constexpr int kChunks = kBByK ? kBN / kVec : kKChunks;  // of a row
  constexpr int kRows = kBByK ? kBK : kBN;
  constexpr int kStep = kThreads / kChunks;
  const int chunk = threadIdx.x % kChunks;
  if constexpr (kBByUnit) {
    if (args.b_aligned) {
#pragma unroll
      for (int i = 0; i < (kRows + kStep - 1) / kStep; ++i) {
        const int row = threadIdx.x / kChunks + i * kStep;
        if (kRows % kStep != 0 && row >= kRows) break;
#pragma unroll
        for (int u = 0; u < kVec / kBUnit; ++u) {
          const int e = chunk * kVec + u * kBUnit;
          const int n = n0 + (kBByK ? e : column_of(row)), k = k0 + (kBByK ? row : e);
          const bool valid = n < N && k < KB;
          const int64 at = kBByK ? int64(k) * args.ldb + n : int64(n) * args.ldb + k;
          copy_async<kBUnit * sizeof(T)>(tile + chunk_offset<kChunks>(row, chunk) + u * kBUnit * sizeof(T),
                                         valid ? b + at : b, valid);
        }
      }
      return;
    }
  }
#pragma unroll 1
  for (int row = threadIdx.x / kChunks; row < kRows; row += kStep) {
    union { T t[kVec]; Vec<uint32, 4> v; };
#pragma unroll
    for (int e = 0; e < kVec; ++e) {
      const int n = n0 + (kBByK ? chunk * kVec + e : column_of(row)), k = k0 + (kBByK ? row : chunk * kVec + e);
      const int64 at = kBTransposed ? int64(n) * args.ldb + k : int64(k) * args.ldb + n;
      t[e] = from_float<T>(n < N && k < KB ? to_float(b[at]) : 0.f);
    }
    store_shared(tile + chunk_offset<kChunks>(row, chunk), v);
  }
}

// A warp's sums. Tensor cores: of each 16x8 tile the lane's four; else every fourth row and every eighth column.
struct Sums {
  static constexpr int kM = kTensorCores ? kWM / 16 : kWM / 4, kN = kWN / 8, kEach = kTensorCores ? 4 : 1;
  float v[kM][kN][kEach];
};

__device__ __forceinline__ void load_fragments(uint32 a_tile, uint32 b_tile, int wm, int wn, int step,
                                               uint32 (&a)[kWM / 16][4], uint32 (&b)[kWN / 16][4]) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int i = 0; i < kWM / 16; ++i) {
    load_matrices(a[i], a_tile + chunk_offset<kKChunks>(wm + i * 16 + lane % 16, 2 * step + lane / 16));
  }
#pragma unroll
  for (int j = 0; j < kWN / 16; ++j) {
    if constexpr (kBByK) {
      load_matrices_transposed(b[j], b_tile + chunk_offset<kBN / kVec>(16 * step + lane % 16, wn / 8 + 2 * j + lane / 16));
    } else {
      load_matrices(b[j], b_tile + chunk_offset<kKChunks>(wn + j * 16 + lane % 8 + lane / 16 * 8, 2 * step + lane / 8 % 2));
    }
  }
}

__device__ __forceinline__ void multiply_on_tensor_cores(uint32 a_tile, uint32 b_tile, int wm, int wn, Sums& sums) {
  constexpr int kSteps = kKChunks / 2;  // of 32 bytes
  uint32 a[2][kWM / 16][4], b[2][kWN / 16][4];
  load_fragments(a_tile, b_tile, wm, wn, 0, a[0], b[0]);
#pragma unroll
  for (int step = 0; step < kSteps; ++step) {
    if (step + 1 < kSteps) load_fragments(a_tile, b_tile, wm, wn, step + 1, a[(step + 1) % 2], b[(step + 1) % 2]);
#pragma unroll
    for (int i = 0; i < kWM / 16; ++i) {
#pragma unroll
      for (int j = 0; j < kWN / 8; ++j) {
        multiply_add<T>(reinterpret_cast<float (&)[4]>(sums.v[i][j]), a[step % 2][i], &b[step % 2][j / 2][j % 2 * 2]);
      }
    }
  }
}

// In single precision throughout: chunks of four along K of every row, four multiply-adds each.
__device__ __forceinline__ void multiply_by_lanes(uint32 a_tile, uint32 b_tile, int wm, int wn, Sums& sums) {
  const int row = wm + threadIdx.x % 32 / 8, column = wn + threadIdx.x % 8;
#pragma unroll 2
  for (int chunk = 0; chunk < kKChunks; ++chunk) {
    Vec<float, 4> a[Sums::kM];
#pragma unroll
    for (int i = 0; i < Sums::kM; ++i) a[i] = load_shared(a_tile + chunk_offset<kKChunks>(row + 4 * i, chunk));
#pragma unroll
    for (int j = 0; j < Sums::kN; ++j) {
      const Vec<float, 4> b = load_shared(b_tile + chunk_offset<kKChunks>(column + 8 * j, chunk));
#pragma unroll
      for (int i = 0; i < Sums::kM; ++i) {
#pragma unroll
        for (int e = 0; e < 4; ++e) sums.v[i][j][0] = fmaf(a[i].v[e], b.v[e], sums.v[i][j][0]);
      }
    }
  }
}

__device__ __forceinline__ void write_sums(const Sums& sums, float* to, int wm, int wn) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int i = 0; i < Sums::kM; ++i) {
#pragma unroll
    for (int j = 0; j < Sums::kN; ++j) {
      if constexpr (kTensorCores) {
        float* at = to + (wm + i * 16 + lane / 4) * kSumStride + wn + j * 8 + lane % 4 * 2;
        *reinterpret_cast<float2*>(at) = make_float2(sums.v[i][j][0], sums.v[i][j][1]);
        *reinterpret_cast<float2*>(at + 8 * kSumStride) = make_float2(sums.v[i][j][2], sums.v[i][j][3]);
      } else {
        to[(wm + i * 4 + lane / 8) * kSumStride + wn + j * 8 + lane % 8] = sums.v[i][j][0];
      }
    }
  }
}

__device__ __forceinline__ int64 batch_offset(const int64 (&step)[4], const int (&dims)[4], int z) {
  int64 offset = 0;
#pragma unroll
  for (int i = 3; i >= 0; --i) {
    const int rest = z / dims[i];
    offset += (z - rest * dims[i]) * step[i];
    z = rest;
  }
  return offset;
}

// A warp's sums become results, eight columns of a lane's row at a time: four lanes write 64 bytes of it.
__device__ __forceinline__ void finish_directly(const Args& args, const Epilogue& e, const Sums& sums,
                                                const float* columns, int m0, int n0, int z, int wm, int wn) {
  const int lane = threadIdx.x % 32;
  const int64 first_row = kGroups > 1 ? 0 : int64(z) * args.m;
#pragma unroll
  for (int group = 0; group < kWN / 32; ++group) {
    const int j = wn + group * 32 + lane % 4 * kChunk, count = N - (n0 + j);
    if (count <= 0) continue;
    float scale[kChunk], bias[kChunk];
#pragma unroll
    for (int c = 0; c < kChunk; ++c) {
      scale[c] = columns[j + c];
      bias[c] = columns[kBN + j + c];
    }
    const int column = (kGroups > 1 ? z * N : 0) + n0 + j;
#pragma unroll
    for (int i = 0; i < Sums::kM * 2; ++i) {
      const int row = m0 + wm + i * 8 + lane / 4;
      if (row >= args.m) break;
      float x[kChunk];
#pragma unroll
      for (int c = 0; c < kChunk; ++c) x[c] = sums.v[i / 2][group * 4 + c / 2][i % 2 * 2 + c % 2];
      finish_chunk(e, first_row + row, column, count, e.wide, scale, bias, x);
    }
  }
}

// Rows that are not aligned: neighbouring threads write neighbouring elements.
__device__ __forceinline__ void finish_by_element(const Args& args, const Epilogue& e, const float* sums,
                                                  const float* columns, int m0, int n0, int z) {
  const int64 first_row = kGroups > 1 ? m0 : int64(z) * args.m + m0;
#pragma unroll 4
  for (int i = threadIdx.x; i < kBM * kBN; i += kThreads) {
    const int row = i / kBN, j = i % kBN, column = (kGroups > 1 ? z * N : 0) + n0 + j;
    if (m0 + row >= args.m || n0 + j >= N) continue;
    float v = sums[row * kSumStride + j] * columns[j] + columns[kBN + j];
    if (kResidual == 1) v += to_float(e.r[(first_row + row) * e.ldr + column]);
    v = activate(v);
    if (kResidual == 2) v += to_float(e.r[(first_row + row) * e.ldr + column]);
    store_one(e, first_row + row, column, v);
  }
}

// Rows [begin, end) of the tile: the sums in shared memory (of all blocks of the cluster) become results.
__device__ __forceinline__ void finish_tile(const Args& args, const Epilogue& e, const float* sums, const float* columns,
                                            int m0, int n0, int z, int begin, int end) {
  constexpr int kColumnChunks = kBN / kChunk;
  const int j = threadIdx.x % kColumnChunks * kChunk;
  const int count = N - (n0 + j);
  if (count <= 0) return;
  float scale[kChunk], bias[kChunk];
#pragma unroll
  for (int i = 0; i < kChunk; ++i) {
    scale[i] = columns[j + i];
    bias[i] = columns[kBN + j + i];
  }
  const int column = (kGroups > 1 ? z * N : 0) + n0 + j;
  const int64 first_row = kGroups > 1 ? m0 : int64(z) * args.m + m0;
  for (int row = begin + threadIdx.x / kColumnChunks; row < end; row += kThreads / kColumnChunks) {
    if (m0 + row >= args.m) return;
    float x[kChunk];
#pragma unroll
    for (int i = 0; i < kChunk; i += 4) {
      const float* at = sums + row * kSumStride + j + i;
      Vec<float, 4> v = load_vec<float, 4>(at);
#if __CUDA_ARCH__ >= 900
      if constexpr (kSplits > 1) {
        v = load_of_block(shared_address(at), 0);
#pragma unroll
        for (int s = 1; s < kSplits; ++s) {
          const Vec<float, 4> other = load_of_block(shared_address(at), s);
#pragma unroll
          for (int c = 0; c < 4; ++c) v.v[c] += other.v[c];
        }
      }
#endif
#pragma unroll
      for (int c = 0; c < 4; ++c) x[i + c] = v.v[c];
    }
    finish_chunk(e, first_row + row, column, count, e.wide, scale, bias, x);
  }
}

// The tile's sums as they are, for reduce_splits().
__device__ __forceinline__ void write_partial(const Args& args, const float* sums, int m0, int n0, int z, int split) {
  float* to = args.workspace + (int64(split) * gridDim.z + z) * args.m * N;
  for (int i = threadIdx.x; i < kBM * kBN; i += kThreads) {
    const int row = i / kBN, column = i % kBN;
    if (m0 + row < args.m && n0 + column < N) to[int64(m0 + row) * N + n0 + column] = sums[row * kSumStride + column];
  }
}

// What a block does of a tile: `count` steps of kBK along K, from step `first` on.
struct Work {
  const X* a;
  const W* b;
  int m0, n0, z, first, count;
};
__device__ __forceinline__ Work work_of(const Args& args, const X* a, const W* b, int tile, int z, int first,
                                        int count) {
  if constexpr (kGroups > 1) {
    a += int64(z) * kChannels * (kNhwc ? 1 : IN_H * IN_W);
    b += int64(z) * N * args.ldb;
  } else if constexpr (kBatched) {
    a += batch_offset(args.a_step, args.batch_dims, z);
    b += batch_offset(args.b_step, args.batch_dims, z);
  }
  return {a, b, tile / args.tiles_n * kBM, tile % args.tiles_n * kBN, z, first, count};
}

__device__ __forceinline__ void read_columns(const Args& args, const Epilogue& epilogue, const Work& work,
                                             float* columns) {
  for (int i = threadIdx.x; i < kBN; i += kThreads) {
    const bool inside = work.n0 + i < N;
    const int column = (kGroups > 1 ? work.z * N : 0) + work.n0 + i;
    columns[i] = inside ? column_scale(epilogue, column) : 0.f;
    columns[kBN + i] = inside ? column_bias(epilogue, column) : 0.f;
  }
}

// The warp's sums of the work. starts: nothing was read yet that other kernels write.
__device__ __forceinline__ void multiply(const Args& args, const Epilogue& epilogue, const Work& work, bool starts,
                                         float* columns, uint32 tiles, int wm, int wn, Sums& sums) {
  const int first = work.first, count = work.count;
  // Constants may be read before the predecessors have ended.
  if (kConstantColumns) read_columns(args, epilogue, work, columns);
  if (kConstantB) {
#pragma unroll
    for (int i = 0; i < kStages - 1; ++i) {
      if (i < count) copy_b(args, work.b, tiles + i * kStageBytes + kABytes, work.n0, (first + i) * kBK);
    }
  }
  Pixel pixels[kACopies];
#pragma unroll
  for (int i = 0; i < kACopies; ++i) pixels[i] = pixel_of(args, work.m0 + threadIdx.x / kKChunks + i * kARows);
  if (starts) {
    wait_for_inputs();
    let_next_start();
  }
  if (!kConstantColumns) read_columns(args, epilogue, work, columns);
#pragma unroll
  for (int i = 0; i < kStages - 1; ++i) {
    if (i < count) {
      if (!kConstantB) copy_b(args, work.b, tiles + i * kStageBytes + kABytes, work.n0, (first + i) * kBK);
      copy_a(args, work.a, tiles + i * kStageBytes, pixels, work.m0, (first + i) * kBK);
    }
    commit_copies();
  }
#pragma unroll
  for (int i = 0; i < Sums::kM; ++i) {
#pragma unroll
    for (int j = 0; j < Sums::kN; ++j) {
#pragma unroll
      for (int e = 0; e < Sums::kEach; ++e) sums.v[i][j][e] = 0.f;
    }
  }

  uint32 reading = tiles, writing = tiles + (kStages - 1) * kStageBytes;
  const uint32 end = tiles + kStages * kStageBytes;
  for (int i = 0; i < count; ++i) {
    wait_for_copies<kStages - 2>();
    __syncthreads();
    if (i + kStages - 1 < count) {
      copy_a(args, work.a, writing, pixels, work.m0, (first + i + kStages - 1) * kBK);
      copy_b(args, work.b, writing + kABytes, work.n0, (first + i + kStages - 1) * kBK);
    }
    commit_copies();
    if constexpr (kTensorCores) multiply_on_tensor_cores(reading, reading + kABytes, wm, wn, sums);
    else multiply_by_lanes(reading, reading + kABytes, wm, wn, sums);
    reading = reading + kStageBytes == end ? tiles : reading + kStageBytes;
    writing = writing + kStageBytes == end ? tiles : writing + kStageBytes;
  }
  wait_for_copies<0>();
  __syncthreads();
}

// The sums of the whole tile become results.
__device__ __forceinline__ void finish(const Args& args, const Epilogue& epilogue, const Work& work, const Sums& sums,
                                       float* all_sums, const float* columns, int wm, int wn) {
  if constexpr (kDirect) {
    finish_directly(args, epilogue, sums, columns, work.m0, work.n0, work.z, wm, wn);
  } else {
    write_sums(sums, all_sums, wm, wn);
    __syncthreads();
    if (!epilogue.wide) finish_by_element(args, epilogue, all_sums, columns, work.m0, work.n0, work.z);
    else finish_tile(args, epilogue, all_sums, columns, work.m0, work.n0, work.z, 0, kBM);
  }
}

// Grid: tiles of M and N times splits of K (fastest); 1; matrices of the batch, or groups. With kStreamK: blocks that
// share all of it (stream_k.inc).
extern "C" __global__ void __launch_bounds__(kThreads) product(const X* a, const W* b, const __grid_constant__ Args args,
                                                               const __grid_constant__ Epilogue epilogue) {
  extern __shared__ __align__(128) char shared[];
  const uint32 tiles = shared_address(shared);
  float* columns = reinterpret_cast<float*>(shared + kColumnsAt);
  float* all_sums = reinterpret_cast<float*>(shared);
  const int warp = threadIdx.x / 32;
  const int wm = warp / kWarpsN * kWM, wn = warp % kWarpsN * kWN;
  Sums sums;
  if constexpr (kStreamK) {
    const int begin = share_begin(blockIdx.x, args.units, gridDim.x);
    int end = share_begin(blockIdx.x + 1, args.units, gridDim.x);
    for (bool starts = true; end > begin; starts = false) {
      const Part part = last_part(begin, end, args.units_each);
      if (!starts) __syncthreads();  // the others still read what the last part left in shared memory
      const Work work =
          work_of(args, a, b, part.tile % args.tiles, part.tile / args.tiles, part.first, part.count);
      multiply(args, epilogue, work, starts, columns, tiles, wm, wn, sums);
      auto& flat = reinterpret_cast<float (&)[sizeof(Sums) / 4]>(sums);
      if (!part.ends) {
        send_partial<kThreads>(flat, args.workspace, args.flags);
      } else {
        const int owner = owner_of(part.tile * args.units_each, args.units, gridDim.x);
        add_partials<kThreads>(flat, args.workspace, args.flags, owner);
        finish(args, epilogue, work, sums, all_sums, columns, wm, wn);
      }
      end -= part.count;
    }
  } else {
    const int split = blockIdx.x % kSplits, num_k = (K + kBK - 1) / kBK;
    const int first = num_k * split / kSplits, count = num_k * (split + 1) / kSplits - first;
    const Work work = work_of(args, a, b, blockIdx.x / kSplits, blockIdx.z, first, count);
    multiply(args, epilogue, work, true, columns, tiles, wm, wn, sums);
    if constexpr (kSplits == 1) {
      finish(args, epilogue, work, sums, all_sums, columns, wm, wn);
    } else {
      write_sums(sums, all_sums, wm, wn);
#if __CUDA_ARCH__ >= 900
      synchronize_cluster();
      finish_tile(args, epilogue, all_sums, columns, work.m0, work.n0, work.z, kBM * split / kSplits,
                  kBM * (split + 1) / kSplits);
      synchronize_cluster();  // the others still read
#else
      __syncthreads();
      write_partial(args, all_sums, work.m0, work.n0, work.z, split);
#endif
    }
  }
}

#if __CUDA_ARCH__ < 900
// The partial sums of all splits, in order. Grid: chunks of columns of all rows; 1; batch or groups.
extern "C" __global__ void __launch_bounds__(256) reduce_splits(const __grid_constant__ Args args,
                                                                const __grid_constant__ Epilogue e) {
  wait_for_inputs();
  let_next_start();
  const int chunks = (N + kChunk - 1) / kChunk, z = blockIdx.z;
  const int64 i = int64(blockIdx.x) * 256 + threadIdx.x;
  if (i >= int64(args.m) * chunks) return;
  const int row = int(i / chunks), n0 = int(i % chunks) * kChunk;
  const int column = (kGroups > 1 ? z * N : 0) + n0;
  float x[kChunk], scale[kChunk], bias[kChunk];
#pragma unroll
  for (int j = 0; j < kChunk; ++j) {
    const bool inside = n0 + j < N;
    scale[j] = inside ? column_scale(e, column + j) : 0.f;
    bias[j] = inside ? column_bias(e, column + j) : 0.f;
    x[j] = 0.f;
#pragma unroll
    for (int s = 0; s < kSplits; ++s) {
      if (inside) x[j] += args.workspace[((int64(s) * gridDim.z + z) * args.m + row) * N + n0 + j];
    }
  }
  finish_chunk(e, kGroups > 1 ? row : int64(z) * args.m + row, column, N - n0, e.wide, scale, bias, x);
}
#endif
)cuda";
}

}  // namespace burnish::cuda
