// cpu.pointwise: elementwise steps over broadcast inputs of any encoding, run block by block through all instructions
// of the program, so that intermediate results, which are floats, never leave the first cache.
#include <algorithm>
#include <array>

#include "kernels/cpu/broadcast_loop.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/pointwise_program.h"
#include "kernels/cpu/tactics.h"
#include "kernels/cpu/tensor_format.h"
#include "ops/fused.h"
#include "ops/views.h"

namespace burnish {
namespace {

constexpr int64_t kBlock = 1024;  ///< Elements; 4 KiB a buffer.
constexpr int kMaxBuffers = 20;   ///< Results and gathered inputs of one program; 80 KiB of stack.
constexpr int kMaxTableValues = 192;
constexpr int64_t kShortRow = 128;  ///< Rows shorter than this are run several at once.

/// How an input meets a block of rows × columns output elements.
enum class Access : uint8_t {
  kUniform,   ///< One element for the whole block.
  kDirect,    ///< Lies there as the block needs it.
  kGathered,  ///< Is brought together in a buffer first.
};

struct Stream {
  Access access = Access::kDirect;
  Format format = {};
  int buffer = -1;  ///< For kGathered, and for what is no float: elements are decoded into it.

  bool is_float() const { return format.storage == Storage::kFloat; }
};

/// Blocks over the last two dimensions of a broadcast loop.
struct Loop : BroadcastLoop {
  std::vector<Stream> inputs;
  Format output;
  int64_t rows_per_block = 1;
  int64_t columns_per_block = kBlock;
};

Loop make_loop(const Problem& p, int first_buffer) {
  Loop loop{make_broadcast_loop(p), {}, {}};
  loop.output = format_of({p.outputs[0].dtype});
  if (p.op == kPointwise) loop.output = format_of(output_encoding(*p.attrs));
  const int64_t columns = loop.dims[loop.column()], rows = loop.dims[loop.row()];
  loop.columns_per_block = std::clamp<int64_t>(columns, 1, kBlock);
  if (columns < kShortRow) loop.rows_per_block = std::clamp<int64_t>(rows, 1, kBlock / loop.columns_per_block);
  const bool one_row = loop.rows_per_block == 1;
  for (size_t i = 0; i < loop.in_strides.size(); ++i) {
    const Shape& strides = loop.in_strides[i];
    Stream& s = loop.inputs.emplace_back();
    if (p.inputs[i].present()) s.format = input_format(p, static_cast<int>(i));
    const int64_t step = strides[loop.column()], row_step = strides[loop.row()];
    if (step == 0 && (one_row || row_step == 0)) {
      s.access = Access::kUniform;
    } else if (step == 0 || !(one_row || row_step == columns)) {
      s.access = Access::kGathered;
    }
    if (s.access == Access::kGathered || !s.is_float()) s.buffer = first_buffer++;
  }
  return loop;
}

class PointwiseKernel : public Kernel {
 public:
  PointwiseKernel(PointwiseProgram program, Loop loop, const Target& target)
      : program_(std::move(program)),
        loop_(std::move(loop)),
        kernels_(target.isa >= Isa::kAvx512 ? avx512::kPointwise : avx2::kPointwise),
        convert_(convert_kernels(target).convert) {
    for (int v = 0; v < program_.num_inputs; ++v) {
      uniform_.push_back(loop_.inputs[static_cast<size_t>(v)].access == Access::kUniform);
    }
    uniform_.resize(static_cast<size_t>(program_.first_result()), true);
    for (const PointwiseOp& op : program_.ops) uniform_.push_back(uniform_[op.a] && uniform_[op.b]);
    row_ = loop_.row();
    row_blocks_ = blocks(loop_.dims[row_], loop_.rows_per_block);
    column_blocks_ = blocks(loop_.dims[row_ + 1], loop_.columns_per_block);
    const auto touched = static_cast<int64_t>(program_.num_inputs) + 1 + 4 * static_cast<int64_t>(program_.ops.size());
    block_cost_ = loop_.rows_per_block * loop_.columns_per_block * 4 * touched;
  }

  void run(const KernelArgs& args) const override {
    const int64_t outer = loop_.dims.product(0, row_);
    parallel_ranges(*args.pool, outer * row_blocks_ * column_blocks_, block_cost_,
                    [&](int64_t begin, int64_t end) { run_blocks(args, begin, end); });
  }

 private:
  using Buffers = std::array<std::array<float, kBlock>, kMaxBuffers>;
  using Values = std::array<PointwiseValue, kMaxTableValues>;

  static int64_t blocks(int64_t n, int64_t size) { return (n + size - 1) / size; }

  void run_blocks(const KernelArgs& args, int64_t begin, int64_t end) const {
    alignas(64) Buffers buffers;  // NOLINT: every element is written before it is read
    Values values;                // NOLINT
    const auto first = static_cast<size_t>(program_.num_inputs);
    for (size_t i = 0; i < program_.literals.size(); ++i) {
      values[first + i] = {const_cast<float*>(&program_.literals[i]), true};  // only read
    }
    for (size_t i = 0; i + 1 < program_.ops.size(); ++i) {
      const PointwiseOp& op = program_.ops[i];
      values[op.target] = {buffers[static_cast<size_t>(program_.buffers[i])].data(), uniform_[op.target]};
    }
    for (int64_t b = begin; b < end; ++b) run_block(args, b, buffers, values);
  }

  void run_block(const KernelArgs& args, int64_t block, Buffers& buffers, Values& values) const {
    const int64_t column = block % column_blocks_ * loop_.columns_per_block;
    block /= column_blocks_;
    const int64_t row = block % row_blocks_ * loop_.rows_per_block;
    const int64_t outer = block / row_blocks_;
    const int64_t rows = std::min(loop_.rows_per_block, loop_.dims[row_] - row);
    const int64_t columns = std::min(loop_.columns_per_block, loop_.dims[row_ + 1] - column);
    for (size_t i = 0; i < loop_.inputs.size(); ++i) {
      const Stream& s = loop_.inputs[i];
      const auto* from = static_cast<const char*>(args.inputs[i]);
      if (from == nullptr) continue;
      from += loop_.offset(loop_.in_strides[i], outer, row, column) * size_of(s.format.storage);
      float* data = reinterpret_cast<float*>(const_cast<char*>(from));  // inputs are only read
      if (s.buffer >= 0) {
        data = buffers[static_cast<size_t>(s.buffer)].data();
        fetch(s, from, loop_.in_strides[i], rows, columns, data);
      }
      values[i] = {data, s.access == Access::kUniform};
    }
    char* out = static_cast<char*>(args.outputs[0]);
    out += loop_.offset(loop_.out_strides, outer, row, column) * size_of(loop_.output.storage);
    finish_block(out, rows, columns, buffers, values);
  }

  /// Runs the program, straight into the output where the block lies there as it is made: floats, contiguous, and not
  /// one number only.
  void finish_block(char* out, int64_t rows, int64_t columns, Buffers& buffers, Values& values) const {
    const int64_t step = loop_.out_strides[row_];
    const uint16_t target = program_.ops.back().target;
    const bool uniform = uniform_[target], contiguous = rows == 1 || step == columns;
    const bool direct = contiguous && !uniform && loop_.output.storage == Storage::kFloat;
    float* result = direct ? reinterpret_cast<float*>(out) : buffers.back().data();
    values[target] = {result, uniform};
    kernels_.run(program_.ops.data(), static_cast<int>(program_.ops.size()), values.data(), rows * columns);
    if (direct) return;
    if (uniform) std::fill_n(result, rows * columns, *result);
    if (contiguous) return convert_(result, kFloats, out, loop_.output, rows * columns);
    for (int64_t r = 0; r < rows; ++r, result += columns, out += step * size_of(loop_.output.storage)) {
      convert_(result, kFloats, out, loop_.output, columns);
    }
  }

  /// An input's elements as a block of floats.
  void fetch(const Stream& s, const char* from, const Shape& strides, int64_t rows, int64_t columns, float* to) const {
    const int64_t row_step = strides[row_], column_step = strides[row_ + 1];
    if (s.access == Access::kUniform) return convert_(from, s.format, to, kFloats, 1);
    if (s.access == Access::kDirect) return convert_(from, s.format, to, kFloats, rows * columns);
    for (int64_t r = 0; r < rows; ++r, from += row_step * size_of(s.format.storage), to += columns) {
      convert_(from, s.format, to, kFloats, column_step == 0 ? 1 : columns);
      if (column_step == 0) std::fill_n(to + 1, columns - 1, *to);
    }
  }

  static constexpr Format kFloats{};

  PointwiseProgram program_;
  Loop loop_;
  const PointwiseKernels& kernels_;
  void (*convert_)(const void*, const Format&, void*, const Format&, int64_t);
  std::vector<bool> uniform_;  // per value: the same for all elements of a block
  int row_ = 0;
  int64_t row_blocks_ = 0, column_blocks_ = 0, block_cost_ = 0;
};

class PointwiseTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.pointwise"; }
  std::vector<std::string_view> ops() const override { return pointwise_ops(); }

  bool supports(const Problem& p, const Target& target) const override {
    if (target.isa < Isa::kAvx2 || has_views(*p.attrs)) return false;
    const auto program = compile_pointwise(p);
    // One buffer for the last result, one for every input that may have to be gathered.
    return program && program->num_buffers + program->num_inputs + 1 <= kMaxBuffers;
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    auto program = compile_pointwise(p);
    check(program.has_value(), ErrorCode::kUnsupported, "cpu.pointwise cannot run this {}", p.op);
    Loop loop = make_loop(p, program->num_buffers);
    return std::make_unique<PointwiseKernel>(std::move(*program), std::move(loop), target);
  }

  bool accepts_strided_input(const Problem&, int) const override { return true; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& p, int input) const override {
    const TensorDesc& from = p.inputs[static_cast<size_t>(input)];
    return from.shape == p.outputs[0].shape && size_of(from.dtype) == size_of(p.outputs[0].dtype);
  }
};

}  // namespace

const Tactic& pointwise_tactic() {
  static const PointwiseTactic tactic;
  return tactic;
}

}  // namespace burnish
