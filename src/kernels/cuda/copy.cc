// cuda.copy: operators that only move elements, of any type. Boxes are copied in the target's order, in units of up to
// 16 bytes, several boxes a launch; where the innermost dimension changes, tiles are turned in shared memory. One
// program serves all of them.
#include <algorithm>
#include <optional>

#include "kernels/cpu/copy_moves.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/walk.h"

namespace burnish::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kMovesPerLaunch = 4;
/// Dimensions shorter than this are not worth a tile.
constexpr int64_t kLeastTileEdge = 8;
/// Bytes from which each thread moves several units.
constexpr int64_t kLargeBytes = 8 << 20;

constexpr std::string_view kKernel = R"cuda(
constexpr int kThreads = 256;
struct alignas(16) uint128 { uint64 low, high; };

struct Box {
  const char* source;
  char* target;
  uint32 first_block;
  WalkDims dims;
  WalkStrides source_steps, target_steps;
};
struct Boxes { Box box[4]; };

template <typename T> __device__ __forceinline__ void copy_box(const Box& box) {
  const uint32 first = (blockIdx.x - box.first_block) * (kThreads * kUnroll) + threadIdx.x;
  const WalkStrides strides[] = {box.source_steps, box.target_steps};
  int32 at[kUnroll][2];
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) walk(box.dims, strides, first + u * kThreads, at[u]);
  wait_for_inputs();
  let_next_start();
  T unit[kUnroll];
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {
    if (first + u * kThreads < box.dims.total) unit[u] = reinterpret_cast<const T*>(box.source)[at[u][0]];
  }
#pragma unroll
  for (int u = 0; u < kUnroll; ++u) {
    if (first + u * kThreads < box.dims.total) reinterpret_cast<T*>(box.target)[at[u][1]] = unit[u];
  }
}

template <typename T> __device__ __forceinline__ void copy_boxes(const Boxes& boxes) {
  int i = 3;
  while (i > 0 && blockIdx.x < boxes.box[i].first_block) --i;
  copy_box<T>(boxes.box[i]);
}

struct Swap {
  const char* source;
  char* target;
  int64 source_column, target_row;  // elements from one to the next
  uint32 rows, columns;             // rows are contiguous in the source, columns in the target
  FastDivisor row_tiles, column_tiles;
  WalkDims outer;
  WalkStrides source_steps, target_steps;
};

// V elements are moved at once.
template <typename T, int V> __device__ __forceinline__ void swap_tile(const Swap& s) {
  constexpr int kSide = 32 * V;
  __shared__ alignas(16) T tile[kSide][kSide + V];
  const uint32 rest = divide(blockIdx.x, s.column_tiles);
  const uint32 column = (blockIdx.x - rest * s.column_tiles.divisor) * kSide;
  const uint32 outer = divide(rest, s.row_tiles);
  const uint32 row = (rest - outer * s.row_tiles.divisor) * kSide;
  const WalkStrides strides[] = {s.source_steps, s.target_steps};
  int32 at[2];
  walk(s.outer, strides, outer, at);
  const uint32 lane = threadIdx.x % 32 * V, warp = threadIdx.x / 32;
  const T* source = reinterpret_cast<const T*>(s.source) + at[0] + row + lane;
  T* target = reinterpret_cast<T*>(s.target) + at[1] + column + lane;
  wait_for_inputs();
  let_next_start();
#pragma unroll
  for (uint32 c = warp; c < kSide; c += kThreads / 32) {
    if (column + c < s.columns && row + lane < s.rows) {
      store_vec<T, V>(&tile[c][lane], load_vec<T, V>(source + int64(column + c) * s.source_column));
    }
  }
  __syncthreads();
#pragma unroll
  for (uint32 r = warp; r < kSide; r += kThreads / 32) {
    if (row + r < s.rows && column + lane < s.columns) {
      Vec<T, V> turned;
#pragma unroll
      for (int v = 0; v < V; ++v) turned.v[v] = tile[lane + v][r];
      store_vec<T, V>(target + int64(row + r) * s.target_row, turned);
    }
  }
}

#define COPY(bytes, T) \
  extern "C" __global__ void __launch_bounds__(kThreads) copy_##bytes(const __grid_constant__ Boxes boxes) { \
    copy_boxes<T>(boxes);                                                                                    \
  }
COPY(1, uint8)
COPY(2, uint16)
COPY(4, uint32)
COPY(8, uint64)
COPY(16, uint128)
#define SWAP(bytes, width, T) \
  extern "C" __global__ void __launch_bounds__(kThreads) swap_##bytes##x##width(const __grid_constant__ Swap s) { \
    swap_tile<T, width>(s);                                                                                       \
  }
SWAP(1, 1, uint8)
SWAP(1, 4, uint8)
SWAP(2, 1, uint16)
SWAP(2, 2, uint16)
SWAP(4, 1, uint32)
SWAP(8, 1, uint64)
)cuda";

/// As the program takes it.
struct Box {
  const char* source = nullptr;
  char* target = nullptr;
  uint32_t first_block = 0;
  WalkDims dims;
  WalkStrides source_steps{}, target_steps{};
};
using Boxes = std::array<Box, kMovesPerLaunch>;

struct Swap {
  const char* source = nullptr;
  char* target = nullptr;
  int64_t source_column = 0, target_row = 0;
  uint32_t rows = 0, columns = 0;
  FastDivisor row_tiles, column_tiles;
  WalkDims outer;
  WalkStrides source_steps{}, target_steps{};
};

constexpr size_t kSource = 0, kTarget = 1;

Loop loop_of(const StridedCopy& copy) {
  return {copy.dims, {copy.source_strides, copy.target_strides}};
}

/// Whether the two innermost dimensions change places: see StridedCopy::simplify().
bool is_swap(const StridedCopy& copy) {
  const int last = copy.dims.rank() - 1;
  return last >= 1 && copy.target_strides[last] == 1 && copy.source_strides[last] != 1 &&
         copy.source_strides[last - 1] == 1 && copy.dims[last] >= kLeastTileEdge &&
         copy.dims[last - 1] >= kLeastTileEdge;
}

/// Where a move's memory begins, for one run.
struct Ends {
  const char* source;
  char* target;
};
Ends ends_of(const Move& move, const KernelArgs& args) {
  const StridedCopy& c = move.copy;
  return {static_cast<const char*>(args.inputs[move.input]) + c.source_offset * c.element_bytes,
          static_cast<char*>(args.outputs[move.output]) + c.target_offset * c.element_bytes};
}
bool is_aligned(const Ends& ends, int64_t bytes) {
  return cuda::is_aligned(ends.source, bytes) && cuda::is_aligned(ends.target, bytes);
}
/// Concats may find an input where it belongs.
bool stands_in_place(const Move& move, const Ends& ends) {
  return ends.source == ends.target && move.copy.source_strides == move.copy.target_strides;
}

/// Boxes of several moves, in units of one size.
class BoxCopies {
 public:
  BoxCopies(const Device& device, PackedView cubin, const std::vector<Move>& moves, int64_t unit, int unroll)
      : function_(device, cubin, fmt::format("copy_{}", unit)), unit_(unit), unroll_(unroll) {
    for (const Move& move : moves) {
      moves_.push_back(move);
      const int64_t width = unit / move.copy.element_bytes;
      for (WalkPiece& piece : walk_pieces(packed_by(loop_of(move.copy), width))) {
        for (size_t t = 0; width > 1 && t < 2; ++t) {
          for (int32_t& step : piece.strides[t]) step /= static_cast<int32_t>(width);
        }
        pieces_.push_back({moves_.size() - 1, std::move(piece)});
      }
    }
  }

  bool fits(const KernelArgs& args) const {
    return std::all_of(moves_.begin(), moves_.end(),
                       [&](const Move& m) { return is_aligned(ends_of(m, args), unit_); });
  }

  void run(const KernelArgs& args) const {
    for (size_t first = 0; first < pieces_.size(); first += kMovesPerLaunch) launch(args, first);
  }

 private:
  struct Piece {
    size_t move;
    WalkPiece walk;
  };

  void launch(const KernelArgs& args, size_t first) const {
    Boxes boxes;
    int64_t blocks = 0;
    for (size_t i = 0; i < kMovesPerLaunch; ++i) {
      boxes[i].first_block = UINT32_MAX;
      if (first + i >= pieces_.size()) continue;
      const Piece& piece = pieces_[first + i];
      const Ends ends = ends_of(moves_[piece.move], args);
      if (stands_in_place(moves_[piece.move], ends)) continue;
      boxes[i] = box_of(piece, ends);
      boxes[i].first_block = static_cast<uint32_t>(blocks);
      blocks += ceil_div(piece.walk.dims.total, int64_t{kThreads} * unroll_);
    }
    if (blocks == 0) return;
    Parameters parameters;
    parameters.add(boxes);
    function_.launch({.grid_x = blocks, .block_x = kThreads}, parameters, args.stream);
  }

  Box box_of(const Piece& piece, const Ends& ends) const {
    const int64_t bytes = moves_[piece.move].copy.element_bytes;
    return {ends.source + piece.walk.offsets[kSource] * bytes,
            ends.target + piece.walk.offsets[kTarget] * bytes,
            0,
            piece.walk.dims,
            piece.walk.strides[kSource],
            piece.walk.strides[kTarget]};
  }

  Function function_;
  int64_t unit_;
  int unroll_;
  std::vector<Move> moves_;
  std::vector<Piece> pieces_;
};

/// A move whose two innermost dimensions change places.
class SwapCopy {
 public:
  SwapCopy(const Device& device, PackedView cubin, const Move& move) : move_(move) {
    const StridedCopy& c = move.copy;
    const int last = c.dims.rank() - 1;
    swap_.rows = static_cast<uint32_t>(c.dims[last - 1]);
    swap_.columns = static_cast<uint32_t>(c.dims[last]);
    swap_.source_column = c.source_strides[last];
    swap_.target_row = c.target_strides[last - 1];
    Loop outer{{}, {Shape{}, Shape{}}};
    for (int d = 0; d < last - 1; ++d) {
      outer.dims.push_back(c.dims[d]);
      outer.strides[kSource].push_back(c.source_strides[d]);
      outer.strides[kTarget].push_back(c.target_strides[d]);
    }
    pieces_ = walk_pieces(outer);
    wide_ = c.element_bytes == 1 ? 4 : c.element_bytes == 2 ? 2 : 1;
    const auto name = [&](int width) { return fmt::format("swap_{}x{}", c.element_bytes, width); };
    single_ = Function(device, cubin, name(1));
    if (wide_ > 1 && is_even(c)) wide_function_.emplace(device, cubin, name(wide_));
  }

  void run(const KernelArgs& args) const {
    const Ends ends = ends_of(move_, args);
    const bool wide = wide_function_ && is_aligned(ends, wide_ * move_.copy.element_bytes);
    for (const WalkPiece& piece : pieces_) launch(piece, ends, wide ? wide_ : 1, args.stream);
  }

 private:
  /// Whether groups of wide_ elements never straddle an edge, and all lie alike.
  bool is_even(const StridedCopy& c) const {
    const int last = c.dims.rank() - 1;
    bool even = c.dims[last] % wide_ == 0 && c.dims[last - 1] % wide_ == 0;
    for (int d = 0; d <= last; ++d) {
      even = even && (d == last - 1 || c.source_strides[d] % wide_ == 0) &&
             (d == last || c.target_strides[d] % wide_ == 0);
    }
    return even;
  }

  void launch(const WalkPiece& piece, const Ends& ends, int width, void* stream) const {
    Swap swap = swap_;
    const int64_t bytes = move_.copy.element_bytes, side = int64_t{32} * width;
    swap.source = ends.source + piece.offsets[kSource] * bytes;
    swap.target = ends.target + piece.offsets[kTarget] * bytes;
    const int64_t row_tiles = ceil_div(swap.rows, side), column_tiles = ceil_div(swap.columns, side);
    swap.row_tiles = fast_divisor(row_tiles);
    swap.column_tiles = fast_divisor(column_tiles);
    swap.outer = piece.dims;
    swap.source_steps = piece.strides[kSource];
    swap.target_steps = piece.strides[kTarget];
    Parameters parameters;
    parameters.add(swap);
    const Function& function = width > 1 ? *wide_function_ : single_;
    function.launch({.grid_x = piece.dims.total * row_tiles * column_tiles, .block_x = kThreads}, parameters, stream);
  }

  Move move_;
  int wide_ = 1;
  Swap swap_;
  std::vector<WalkPiece> pieces_;
  Function single_;
  std::optional<Function> wide_function_;
};

class CopyKernel : public Kernel {
 public:
  CopyKernel(std::vector<Move> moves, int unroll, PackedView cubin, const Target& target) {
    const Device& device = device_of(target);
    std::vector<Move> boxes;
    for (Move& move : moves) {
      if (move.copy.dims.num_elements() == 0) continue;
      move.copy.simplify();
      if (is_swap(move.copy)) {
        swaps_.emplace_back(device, cubin, move);
      } else {
        boxes.push_back(move);
      }
    }
    if (boxes.empty()) return;
    const int64_t element = boxes[0].copy.element_bytes;
    for (int64_t unit = 16; unit >= element; unit /= 2) {
      const bool packs = std::all_of(boxes.begin(), boxes.end(), [&](const Move& m) { return packs_in(m, unit); });
      if (packs) boxes_.emplace_back(device, cubin, boxes, unit, unroll);
    }
  }

  void run(const KernelArgs& args) const override {
    for (const SwapCopy& swap : swaps_) swap.run(args);
    const auto widest = std::find_if(boxes_.begin(), boxes_.end(), [&](const BoxCopies& b) { return b.fits(args); });
    if (widest != boxes_.end()) widest->run(args);
  }

 private:
  /// Whether the move is made of whole units on both sides.
  static bool packs_in(const Move& move, int64_t unit) {
    const StridedCopy& c = move.copy;
    const int last = c.dims.rank() - 1;
    const int64_t width = unit / c.element_bytes;
    return width == 1 || (c.source_strides[last] == 1 && c.target_strides[last] == 1 && packs_by(loop_of(c), width));
  }

  std::vector<SwapCopy> swaps_;
  std::vector<BoxCopies> boxes_;  // the widest units first
};

class CopyTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.copy"; }
  std::vector<std::string_view> ops() const override {
    std::vector<std::string_view> names;
    for (const CopyOp& row : copy_ops()) names.push_back(row.op);
    return names;
  }

  bool supports(const Problem& p, const Target&) const override {
    if (!is_copy(p)) return false;
    const std::vector<Move> moves = find_copy_op(p.op)->moves(p);
    return std::all_of(moves.begin(), moves.end(), [](Move move) {
      if (move.copy.dims.num_elements() == 0) return true;
      move.copy.simplify();
      return move.copy.dims.rank() < kMaxWalkDims;  // one more where rows stand apart
    });
  }

  std::vector<std::string> candidates(const Problem& p, const Target& target) const override {
    const int64_t bytes = p.inputs[0].shape.num_elements() * static_cast<int64_t>(size_of(p.inputs[0].dtype));
    const auto with = [&](int unroll) { return fmt::format("{} unroll={}", target.arch(), unroll); };
    if (bytes < kLargeBytes) return {with(1)};
    return {with(4), with(1)};
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<CopyKernel>(find_copy_op(p.op)->moves(p), int_of(config, "unroll", 1), packed_at(packed, 0),
                                        target);
  }

  bool accepts_strided_input(const Problem& p, int input) const override {
    return find_copy_op(p.op)->rows_apart && (input == 0 || p.op == "Concat");
  }
  bool accepts_strided_output(const Problem& p, int) const override { return find_copy_op(p.op)->rows_apart; }
  bool may_run_in_place(const Problem& p, int input) const override {
    return input == 0 && keeps_order(*find_copy_op(p.op));
  }

 protected:
  Program program(const Problem&, const std::string& config) const override {
    return {std::string(name()),
            fmt::format("constexpr int kUnroll = {};\n{}{}", int_of(config, "unroll", 1), walk_source(), kKernel)};
  }
};

}  // namespace

const Tactic& copy_tactic() {
  static const CopyTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
