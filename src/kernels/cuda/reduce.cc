// cuda.reduce: sums, means, extremes and norms over any axes, and the global poolings. Where the innermost axis is
// reduced, groups of threads run along it, else each thread goes down some neighbouring columns. Long reductions with
// few results are split over blocks, whose partial results a second launch combines in a fixed order: the bits are the
// same in every run.
#include <algorithm>
#include <array>
#include <numeric>

#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/strided_copy.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/storage_source.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/walk.h"
#include "ops/fused.h"

namespace burnish::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kLanes = 32, kDeep = kThreads / kLanes;  ///< Of a block that goes down columns.
constexpr int kMostSplits = 64;
/// Elements that each thread should at least add up before work is split further.
constexpr int64_t kLeastEach = 8;
constexpr int kBlocksPerSm = 4;

struct Rule {
  std::string_view op;
  std::string_view initial;
  std::string_view add;      ///< The accumulator `a` with the value v.
  std::string_view combine;  ///< Two accumulators a and b.
  std::string_view finish;   ///< The result of a over n elements.
};

constexpr std::string_view kLargest = "v > a || v != v ? v : a", kLeast = "v < a || v != v ? v : a";
constexpr std::string_view kLargestOf = "b > a || b != b ? b : a", kLeastOf = "b < a || b != b ? b : a";
constexpr std::string_view kLowest = "__uint_as_float(0xff800000u)", kHighest = "__uint_as_float(0x7f800000u)";
constexpr std::array kRules = {
    Rule{"ReduceSum", "0.f", "a + v", "a + b", "a"},
    Rule{"ReduceMean", "0.f", "a + v", "a + b", "a / n"},
    Rule{"ReduceMax", kLowest, kLargest, kLargestOf, "a"},
    Rule{"ReduceMin", kHighest, kLeast, kLeastOf, "a"},
    Rule{"ReduceProd", "1.f", "a * v", "a * b", "a"},
    Rule{"ReduceL1", "0.f", "a + fabsf(v)", "a + b", "a"},
    Rule{"ReduceL2", "0.f", "a + v * v", "a + b", "sqrtf(a)"},
    Rule{"ReduceSumSquare", "0.f", "a + v * v", "a + b", "a"},
    Rule{"ReduceLogSum", "0.f", "a + v", "a + b", "logf(a)"},
    Rule{"GlobalAveragePool", "0.f", "a + v", "a + b", "a / n"},
    Rule{"GlobalMaxPool", kLowest, kLargest, kLargestOf, "a"},
};

const Rule* find_rule(std::string_view op) {
  const auto* rule = std::find_if(kRules.begin(), kRules.end(), [&](const Rule& r) { return r.op == op; });
  return rule == kRules.end() ? nullptr : rule;
}

constexpr std::string_view kKernel = R"cuda(
struct Reduction {
  const x_t* x;
  y_t* y;
  float* partial;            // [splits, results]; null where nothing is split
  WalkDims kept, reduced;    // in groups where the innermost of them is read in groups
  WalkStrides x_kept, y_kept, x_reduced;
  uint32 splits, per_split;  // of the groups of reduced elements
  float n;
};

__device__ __forceinline__ int64 x_offset(const Reduction& r, uint32 i) {
  const WalkStrides strides[] = {r.x_reduced};
  int32 at[1];
  walk(r.reduced, strides, i, at);
  return at[0];
}
struct Ends { int64 x, y; };
__device__ __forceinline__ Ends ends_of(const Reduction& r, uint32 result) {
  const WalkStrides strides[] = {r.x_kept, r.y_kept};
  int32 at[2];
  walk(r.kept, strides, result, at);
  return {at[0], at[1]};
}
__device__ __forceinline__ void put(const Reduction& r, uint32 split, int64 results, int64 result, int64 y, float a) {
  if (r.partial != nullptr) {
    r.partial[split * results + result] = a;
  } else {
    r.y[y] = encode(finish(a, r.n));
  }
}

// kGroup threads a result, along the reduced elements in groups of N.
template <int N, int kGroup> __device__ __forceinline__ void reduce_rows(const Reduction& r) {
  constexpr uint32 kResults = 256 / kGroup;
  const uint32 block = blockIdx.x / r.splits, split = blockIdx.x - block * r.splits;
  const uint32 result = block * kResults + threadIdx.x / kGroup;
  const bool there = result < r.kept.total;
  const Ends ends = ends_of(r, there ? result : 0);
  uint32 i = split * r.per_split + threadIdx.x % kGroup;
  const uint32 end = min((split + 1) * r.per_split, r.reduced.total);
  wait_for_inputs();
  let_next_start();
  float a = kInitial;
  if (there) {
#pragma unroll 4
    for (; i < end; i += kGroup) {
      const Pack<x_t, N> in = load_pack<N>(r.x + ends.x + x_offset(r, i));
#pragma unroll
      for (int e = 0; e < N; ++e) a = add(a, decode(in.v[e]));
    }
  }
#pragma unroll
  for (int step = (kGroup < 32 ? kGroup : 32) / 2; step > 0; step /= 2) {
    a = combine(a, __shfl_xor_sync(0xffffffffu, a, step));
  }
  if (kGroup > 32) {
    __shared__ float partial[kGroup / 32 + 1];
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = a;
    __syncthreads();
    a = partial[0];
    for (int w = 1; w < kGroup / 32; ++w) a = combine(a, partial[w]);
  }
  if (there && threadIdx.x % kGroup == 0) put(r, split, r.kept.total, result, ends.y, a);
}

// N neighbouring results a thread; eight threads share the reduced elements of each.
template <int N> __device__ __forceinline__ void reduce_columns(const Reduction& r) {
  const uint32 block = blockIdx.x / r.splits, split = blockIdx.x - block * r.splits;
  const uint32 lane = threadIdx.x % 32, depth = threadIdx.x / 32;
  const uint32 result = block * 32 + lane;
  const bool there = result < r.kept.total;
  const Ends ends = ends_of(r, there ? result : 0);
  uint32 i = split * r.per_split + depth;
  const uint32 end = min((split + 1) * r.per_split, r.reduced.total);
  wait_for_inputs();
  let_next_start();
  float a[N];
#pragma unroll
  for (int e = 0; e < N; ++e) a[e] = kInitial;
  if (there) {
#pragma unroll 4
    for (; i < end; i += 8) {
      const Pack<x_t, N> in = load_pack<N>(r.x + ends.x + x_offset(r, i));
#pragma unroll
      for (int e = 0; e < N; ++e) a[e] = add(a[e], decode(in.v[e]));
    }
  }
  __shared__ float partial[8][N][32];
#pragma unroll
  for (int e = 0; e < N; ++e) partial[depth][e][lane] = a[e];
  __syncthreads();
  // Thread (lane, depth) finishes elements depth, depth + 8, … of the group.
#pragma unroll
  for (int e = depth; e < N; e += 8) {
    float total = partial[0][e][lane];
    for (int d = 1; d < 8; ++d) total = combine(total, partial[d][e][lane]);
    if (there) put(r, split, int64(r.kept.total) * N, int64(result) * N + e, ends.y + e, total);
  }
}

// Combines the splits of every result, N of which share a place in `kept`.
template <int N> __device__ __forceinline__ void reduce_splits(const Reduction& r) {
  const uint32 i = blockIdx.x * 256 + threadIdx.x;
  const int64 results = int64(r.kept.total) * N;
  const Ends ends = ends_of(r, i / N < r.kept.total ? i / N : 0);
  wait_for_inputs();
  let_next_start();
  if (i >= results) return;
  float a = r.partial[i];
#pragma unroll 4
  for (uint32 s = 1; s < r.splits; ++s) a = combine(a, r.partial[s * results + i]);
  r.y[ends.y + i % N] = encode(finish(a, r.n));
}

#define REDUCE(name, call) \
  extern "C" __global__ void __launch_bounds__(256) reduce_##name(const __grid_constant__ Reduction r) { call; }
)cuda";

/// As the program takes it.
struct Reduction {
  const void* x = nullptr;
  void* y = nullptr;
  void* partial = nullptr;
  WalkDims kept, reduced;
  WalkStrides x_kept{}, y_kept{}, x_reduced{};
  uint32_t splits = 1, per_split = 0;
  float n = 1;
};

bool is_global_pool(const Problem& p) {
  return p.op.starts_with("Global");
}

/// Which axes are reduced. Requires known_ints().
std::vector<bool> reduced_axes(const Problem& p) {
  const int rank = p.inputs[0].shape.rank();
  std::vector<bool> reduced(static_cast<size_t>(rank), false);
  if (is_global_pool(p)) {
    const size_t first = is_nhwc(*p.attrs) ? 1 : 2;
    std::fill_n(reduced.begin() + static_cast<std::ptrdiff_t>(first), rank - 2, true);
    return reduced;
  }
  const std::vector<int64_t> axes = ints_at(p, 1);
  for (const int64_t axis : axes) reduced[static_cast<size_t>(normalize_axis(axis, rank))] = true;
  if (axes.empty() && p.attrs->get_int("noop_with_empty_axes", 0) == 0) reduced.assign(reduced.size(), true);
  return reduced;
}

struct Loops {
  Loop kept;                ///< Strides of X and Y.
  Loop reduced;             ///< Strides of X.
  bool along_rows = false;  ///< Whether the innermost dimension is reduced.
};

Loops loops_of(const Problem& p) {
  const std::vector<bool> is_reduced = reduced_axes(p);
  const Shape& shape = p.inputs[0].shape;
  const Shape x_strides = strides_of(p.inputs[0]);
  Shape kept_dims;
  for (int d = 0; d < shape.rank(); ++d) kept_dims.push_back(is_reduced[static_cast<size_t>(d)] ? 1 : shape[d]);
  const Shape y_strides = strides_of(kept_dims);  // with or without the reduced dims: the same places
  Loops loops{{{}, {{}, {}}}, {{}, {{}}}};
  for (int d = 0; d < shape.rank(); ++d) {
    const bool reduces = is_reduced[static_cast<size_t>(d)];
    Loop& loop = reduces ? loops.reduced : loops.kept;
    loop.dims.push_back(shape[d]);
    loop.strides[0].push_back(x_strides[d]);
    if (!reduces) loop.strides[1].push_back(y_strides[d]);
    if (shape[d] > 1) loops.along_rows = reduces;
  }
  loops.kept = merged(loops.kept);
  loops.reduced = merged(loops.reduced);
  return loops;
}

bool takes_integers(const Problem& p) {
  return p.op == "GlobalAveragePool";
}

int group_of(const Problem& p) {
  return static_cast<int>(16 / std::max<size_t>(2, size_of(p.inputs[0].dtype)));
}

/// One way to read X: in groups, or element by element.
struct Variant {
  int width = 1;
  Function reduce, combine;
  std::vector<WalkPiece> kept;
  WalkPiece reduced;
  int64_t results_per_block = 1, splits = 1, per_split = 1;
};

class ReduceKernel : public Kernel {
 public:
  ReduceKernel(const Problem& p, PackedView cubin, const Target& target)
      : loops_(loops_of(p)), x_bytes_(static_cast<int64_t>(size_of(p.inputs[0].dtype))) {
    y_bytes_ = static_cast<int64_t>(size_of(p.outputs[0].dtype));
    n_ = static_cast<float>(loops_.reduced.dims.num_elements());
    variants_.push_back(variant_of(cubin, target, 1));
    const int group = group_of(p);
    if (group > 1 && packs(group)) variants_.push_back(variant_of(cubin, target, group));
  }

  size_t scratch_bytes() const override {
    size_t bytes = 0;
    for (const Variant& v : variants_) {
      for (const WalkPiece& piece : v.kept) {
        if (v.splits > 1) bytes = std::max(bytes, sizeof(float) * static_cast<size_t>(v.splits * results_of(v, piece)));
      }
    }
    return bytes;
  }

  void run(const KernelArgs& args) const override {
    const Variant& wide = variants_.back();
    const Variant& variant = is_aligned(args.inputs[0], wide.width * x_bytes_) ? wide : variants_.front();
    for (const WalkPiece& piece : variant.kept) run_piece(variant, piece, args);
  }

 private:
  bool packs(int width) const {
    const Loop& inner = loops_.along_rows ? loops_.reduced : loops_.kept;
    const Loop& outer = loops_.along_rows ? loops_.kept : loops_.reduced;
    if (inner.dims.rank() == 0 || inner.strides[0][inner.dims.rank() - 1] != 1) return false;
    for (const int64_t stride : outer.strides[0]) {
      if (stride % width != 0) return false;
    }
    return packs_by({inner.dims, {inner.strides[0]}}, width);
  }

  Variant variant_of(PackedView cubin, const Target& target, int width) const {
    const Device& device = device_of(target);
    const bool rows = loops_.along_rows;
    Variant v;
    v.width = width;
    v.kept = walk_pieces(rows ? loops_.kept : packed_by(loops_.kept, width));
    const std::vector<WalkPiece> reduced = walk_pieces(rows ? packed_by(loops_.reduced, width) : loops_.reduced);
    check(reduced.size() == 1, ErrorCode::kUnsupported, "cuda.reduce cannot reduce 2^31 elements to one");
    v.reduced = reduced[0];
    const bool is_short = v.reduced.dims.total <= kThreads;
    v.results_per_block = rows ? (is_short ? kThreads / kLanes : 1) : kLanes;
    v.reduce = Function(device, cubin,
                        fmt::format("reduce_{}_{}",
                                    !rows      ? "columns"
                                    : is_short ? "warp"
                                               : "block",
                                    width));
    v.combine = Function(device, cubin, fmt::format("reduce_splits_{}", rows ? 1 : width));
    if (!v.kept.empty()) choose_splits(v, target);
    return v;
  }

  /// Enough blocks to fill the GPU, as long as each thread has something to do.
  static void choose_splits(Variant& v, const Target& target) {
    const int64_t blocks = ceil_div(v.kept[0].dims.total, v.results_per_block), total = v.reduced.dims.total;
    const int64_t threads = kThreads / v.results_per_block;  // of a result
    const int64_t wanted = int64_t{kBlocksPerSm} * target.num_sms / std::max<int64_t>(1, blocks);
    v.splits = std::clamp<int64_t>(std::min(wanted, total / (threads * kLeastEach)), 1, kMostSplits);
    v.per_split = ceil_div(total, v.splits);
    v.splits = ceil_div(total, v.per_split);
  }

  int64_t results_of(const Variant& v, const WalkPiece& piece) const {
    return int64_t{piece.dims.total} * (loops_.along_rows ? 1 : v.width);
  }

  void run_piece(const Variant& v, const WalkPiece& piece, const KernelArgs& args) const {
    Reduction r;
    r.x = static_cast<const char*>(args.inputs[0]) + piece.offsets[0] * x_bytes_;
    r.y = static_cast<char*>(args.outputs[0]) + piece.offsets[1] * y_bytes_;
    r.partial = v.splits > 1 ? args.scratch : nullptr;
    r.kept = piece.dims;
    r.x_kept = piece.strides[0];
    r.y_kept = piece.strides[1];
    r.reduced = v.reduced.dims;
    r.x_reduced = v.reduced.strides[0];
    r.splits = static_cast<uint32_t>(v.splits);
    r.per_split = static_cast<uint32_t>(v.per_split);
    r.n = n_;
    Parameters parameters;
    parameters.add(r);
    const int64_t blocks = ceil_div(piece.dims.total, v.results_per_block) * v.splits;
    v.reduce.launch({.grid_x = blocks, .block_x = kThreads}, parameters, args.stream);
    if (v.splits == 1) return;
    v.combine.launch({.grid_x = ceil_div(results_of(v, piece), kThreads), .block_x = kThreads}, parameters,
                     args.stream);
  }

  Loops loops_;
  int64_t x_bytes_, y_bytes_ = 1;
  float n_ = 1;
  std::vector<Variant> variants_;  // the widest last
};

class ReduceTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.reduce"; }
  std::vector<std::string_view> ops() const override {
    std::vector<std::string_view> names;
    for (const Rule& rule : kRules) names.push_back(rule.op);
    return names;
  }

  bool supports(const Problem& p, const Target&) const override {
    if (find_rule(p.op) == nullptr || !p.outputs[0].dense()) return false;
    const Encoding x = x_encoding(p, takes_integers(p)), y = y_encoding(p, takes_integers(p));
    // Integers without an encoding have sums of their own kind.
    if (!is_storable(x) || !is_storable(y) || (!takes_integers(p) && x.is_integer())) return false;
    if (!is_global_pool(p) && !known_ints(p, 1)) return false;
    if (is_global_pool(p) && p.inputs[0].shape.rank() < 3) return false;
    const Loops loops = loops_of(p);
    const int64_t length = loops.reduced.dims.num_elements();
    return length > 0 && length < INT32_MAX &&
           std::max(loops.kept.dims.rank(), loops.reduced.dims.rank()) < kMaxWalkDims;
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<ReduceKernel>(p, packed_at(packed, 0), target);
  }

  bool accepts_strided_input(const Problem&, int input) const override { return input == 0; }

 protected:
  Program program(const Problem& p, const std::string&) const override {
    const Rule& rule = *find_rule(p.op);
    const Encoding x = x_encoding(p, takes_integers(p)), y = y_encoding(p, takes_integers(p));
    std::string text = fmt::format("using x_t = {};\nusing y_t = {};\n", type_name(x.dtype), type_name(y.dtype));
    text.append(walk_source()).append(quantized_source());
    text += decode_source("decode", x) + encode_source("encode", y);
    text += fmt::format(
        "#define kInitial {}\n"
        "__device__ __forceinline__ float add(float a, float v) {{ return {}; }}\n"
        "__device__ __forceinline__ float combine(float a, float b) {{ return {}; }}\n"
        "__device__ __forceinline__ float finish(float a, float n) {{ return {}; }}\n",
        rule.initial, rule.add, rule.combine, rule.finish);
    text += kKernel;
    const int group = group_of(p);
    for (const int width : group > 1 ? std::vector{1, group} : std::vector{1}) {
      text += fmt::format(
          "REDUCE(warp_{0}, (reduce_rows<{0}, 32>(r)))\nREDUCE(block_{0}, (reduce_rows<{0}, 256>(r)))\n"
          "REDUCE(columns_{0}, reduce_columns<{0}>(r))\nREDUCE(splits_{0}, reduce_splits<{0}>(r))\n",
          width);
    }
    return {std::string(name()), text};
  }
};

}  // namespace

const Tactic& reduce_tactic() {
  static const ReduceTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
