// cpu.attention: FusedAttention, one (batch, head, block of queries) after the other on each thread. Where the machine
// multiplies bfloat16, so do operands of bfloat16 and of integers, which bfloat16 holds exactly; others become floats.
#include "kernels/cpu/simd/attention.h"

#include <algorithm>
#include <array>

#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/tactics.h"
#include "kernels/cpu/tensor_format.h"
#include "ops/fused.h"

namespace burnish {
namespace {

bool is_packed(const Problem& p) {
  return p.attrs->get_int("packed_qkv", 0) != 0;
}

/// Where one of Q, K and V lies, and how. Distances in elements.
struct Operand {
  Format format;
  int input = 0;
  int64_t column = 0;  ///< Of the first head.
  int64_t row = 0;     ///< From row to row.
  int64_t size = 0;    ///< Columns of a head.
};

struct Operands {
  Operand q, k, v;
};

Operands operands_of(const Problem& p) {
  const int64_t heads = p.attrs->get_int("num_heads", 1), v_size = p.outputs[0].shape[2] / heads;
  const auto operand = [&](int input, int64_t column, int64_t size) {
    return Operand{input_format(p, input), input, column, p.inputs[static_cast<size_t>(input)].ld(), size};
  };
  if (is_packed(p)) {
    const int64_t part = heads * v_size;
    return {operand(0, 0, v_size), operand(0, part, v_size), operand(0, 2 * part, v_size)};
  }
  const int64_t q_size = p.inputs[0].shape[2] / heads;
  return {operand(0, 0, q_size), operand(1, 0, q_size), operand(2, 0, v_size)};
}

bool multiplies_pairs(const Operands& o, const Target& target) {
  const auto fits = [](const Operand& x) {
    return x.format.storage == Storage::kBFloat16 || is_integer(x.format.storage);
  };
  return target.isa >= Isa::kAvx512Bf16 && fits(o.q) && fits(o.k) && fits(o.v) && o.q.size % 2 == 0;
}

const AttentionKernels& attention_kernels(bool pairs, const Target& target) {
  if (pairs) return avx512bf16::kAttention;
  return target.isa >= Isa::kAvx512 ? avx512::kAttention : avx2::kAttention;
}

class AttentionKernel : public Kernel {
 public:
  AttentionKernel(const Problem& p, const Target& target)
      : o_(operands_of(p)),
        pairs_(multiplies_pairs(o_, target)),
        kernels_(attention_kernels(pairs_, target)),
        convert_(convert_kernels(target).convert),
        num_threads_(target.num_threads) {
    batch_ = p.inputs[0].shape[0];
    heads_ = p.attrs->get_int("num_heads", 1);
    queries_ = p.inputs[0].shape[1];
    y_ = format_of(output_encoding(*p.attrs));
    y_row_ = p.outputs[0].ld();
    block_.scale = p.attrs->get_float("scale", 1.0F) * factor(o_.q) * factor(o_.k);
    block_.v_scale = factor(o_.v);
    block_.masked_rows_zero = p.attrs->get_int("masked_rows_zero", 0) != 0;
    block_.v_size = o_.v.size;
    block_.q_size = pairs_ ? o_.q.size / 2 : o_.q.size;
    block_.keys = is_packed(p) ? queries_ : p.inputs[1].shape[1];
    if (p.has_input(3)) set_mask(p.inputs[3]);
    query_blocks_ = (queries_ + kernels_.max_queries - 1) / kernels_.max_queries;
    lay_out_memory();
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(num_threads_ * thread_bytes_); }

  void run(const KernelArgs& args) const override {
    const int64_t n = batch_ * heads_ * query_blocks_;
    const auto some = [&](int t, int threads) {
      AttentionBlock block = block_;
      char* memory = static_cast<char*>(args.scratch) + t * thread_bytes_;
      int64_t last_head = -1;
      for (int64_t i = n * t / threads; i < n * (t + 1) / threads; ++i) {
        const int64_t head = i / query_blocks_;
        if (head != last_head) fetch_head(args, head, memory, block);
        last_head = head;
        run_block(args, head, i % query_blocks_ * kernels_.max_queries, memory, block);
      }
    };
    if (usable_threads(*args.pool, num_threads_) == 1) {
      some(0, 1);
    } else {
      args.pool->run(some);
    }
  }

 private:
  /// A thread's memory: bytes from its beginning.
  struct Memory {
    int64_t q = 0, k = 0, v = 0, v_pairs = 0, y = 0;
  };

  /// Products of pairs see integers without their scale.
  float factor(const Operand& o) const { return pairs_ && is_integer(o.format.storage) ? o.format.scale : 1.0F; }
  Storage wanted() const { return pairs_ ? Storage::kBFloat16 : Storage::kFloat; }
  /// Pairs of q and k are read as elements of 32 bits: whole numbers of them apart.
  bool lies_ready(const Operand& o) const { return o.format.storage == wanted() && (!pairs_ || o.row % 2 == 0); }

  void lay_out_memory() {
    int64_t end = 0;
    const auto reserve = [&](bool needed, int64_t elements, int64_t bytes) {
      const int64_t begin = end;
      if (needed) end += (elements * bytes + 63) / 64 * 64;
      return begin;
    };
    reserve(true, kernels_.scratch_floats(block_.keys, block_.q_size), 4);
    const int64_t bytes = size_of(wanted());
    memory_.q = reserve(!lies_ready(o_.q), kernels_.max_queries * o_.q.size, bytes);
    memory_.k = reserve(!lies_ready(o_.k), block_.keys * o_.k.size, bytes);
    memory_.v = reserve(o_.v.format.storage != wanted(), block_.keys * o_.v.size, bytes);
    memory_.v_pairs = reserve(pairs_, (block_.keys + 1) / 2 * o_.v.size, 4);
    memory_.y = reserve(y_.storage != Storage::kFloat, kernels_.max_queries * o_.v.size, 4);
    thread_bytes_ = end;
  }

  void set_mask(const TensorDesc& mask) {
    has_mask_ = true;
    mask_is_bool_ = mask.dtype == DType::kBool;
    int64_t stride = 1;
    for (int i = mask.shape.rank() - 1; i >= 0; --i) {
      mask_strides_[static_cast<size_t>(4 - mask.shape.rank() + i)] = mask.shape[i] == 1 ? 0 : stride;
      stride *= mask.shape[i];
    }
    block_.mask_query = mask_strides_[2];
    block_.mask_key = mask_strides_[3];
  }

  /// Rows of a head as the products want them, where they lie or in the buffer; `row` says how far apart.
  const char* fetch(const KernelArgs& args, const Operand& o, int64_t first_row, int64_t rows, int64_t head, bool ready,
                    char* buffer, int64_t& row) const {
    const int64_t bytes = size_of(o.format.storage);
    const auto* from = static_cast<const char*>(args.inputs[static_cast<size_t>(o.input)]);
    from += (first_row * o.row + o.column + head * o.size) * bytes;
    row = ready ? o.row : o.size;
    if (ready) return from;
    const Format format{o.format.storage, pairs_ ? 1.0F : o.format.scale, o.format.zero};
    for (int64_t r = 0; r < rows; ++r) {
      convert_(from + r * o.row * bytes, format, buffer + r * o.size * size_of(wanted()), {wanted()}, o.size);
    }
    return buffer;
  }

  void fetch_head(const KernelArgs& args, int64_t batch_head, char* memory, AttentionBlock& block) const {
    const int64_t first = batch_head / heads_ * block.keys, head = batch_head % heads_;
    const char* k = fetch(args, o_.k, first, block.keys, head, lies_ready(o_.k), memory + memory_.k, block.k_row);
    const bool v_ready = o_.v.format.storage == wanted();
    const char* v = fetch(args, o_.v, first, block.keys, head, v_ready, memory + memory_.v, block.v_row);
    block.k = reinterpret_cast<const float*>(k);
    block.v = reinterpret_cast<const float*>(v);
    if (!pairs_) return;
    auto* v_pairs = reinterpret_cast<float*>(memory + memory_.v_pairs);
    kernels_.pair_rows(reinterpret_cast<const uint16_t*>(v), block.v_row, block.keys, block.v_size, v_pairs);
    block.v = v_pairs;
    block.v_row = block.v_size;
    block.k_row /= 2;
  }

  void run_block(const KernelArgs& args, int64_t batch_head, int64_t s, char* memory, AttentionBlock& block) const {
    const int64_t b = batch_head / heads_, h = batch_head % heads_, first = b * queries_ + s;
    block.scratch = reinterpret_cast<float*>(memory);
    block.queries = std::min(kernels_.max_queries, queries_ - s);
    const char* q = fetch(args, o_.q, first, block.queries, h, lies_ready(o_.q), memory + memory_.q, block.q_row);
    block.q = reinterpret_cast<const float*>(q);
    if (pairs_) block.q_row /= 2;
    const bool direct = y_.storage == Storage::kFloat;
    char* y = static_cast<char*>(args.outputs[0]) + (first * y_row_ + h * block.v_size) * size_of(y_.storage);
    block.y = reinterpret_cast<float*>(direct ? y : memory + memory_.y);
    block.y_row = direct ? y_row_ : block.v_size;
    if (has_mask_) {
      const int64_t at = b * mask_strides_[0] + h * mask_strides_[1] + s * mask_strides_[2];
      block.mask_add = mask_is_bool_ ? nullptr : static_cast<const float*>(args.inputs[3]) + at;
      block.mask_keep = mask_is_bool_ ? static_cast<const uint8_t*>(args.inputs[3]) + at : nullptr;
    }
    kernels_.run(block);
    for (int64_t r = 0; !direct && r < block.queries; ++r) {
      convert_(block.y + r * block.y_row, {}, y + r * y_row_ * size_of(y_.storage), y_, block.v_size);
    }
  }

  Operands o_;
  bool pairs_;
  const AttentionKernels& kernels_;
  void (*convert_)(const void*, const Format&, void*, const Format&, int64_t);
  int num_threads_;
  Format y_;
  int64_t batch_ = 0, heads_ = 0, queries_ = 0, query_blocks_ = 0, y_row_ = 0, thread_bytes_ = 0;
  Memory memory_;
  bool has_mask_ = false, mask_is_bool_ = false;
  std::array<int64_t, 4> mask_strides_{};
  AttentionBlock block_{};
};

class AttentionTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.attention"; }
  std::vector<std::string_view> ops() const override { return {kFusedAttention}; }

  bool supports(const Problem& p, const Target& target) const override {
    if (target.isa < Isa::kAvx2 || !is_storable(output_encoding(*p.attrs))) return false;
    for (int i = 0; i < (is_packed(p) ? 1 : 3); ++i) {
      if (!p.has_input(i) || !is_storable_input(p, i)) return false;
    }
    const int64_t keys = is_packed(p) ? p.inputs[0].shape[1] : p.inputs[1].shape[1];
    const bool mask_fits = !p.has_input(3) || (p.inputs[3].dense() && p.inputs[3].shape.rank() <= 4 &&
                                               (is_float(p.inputs[3]) || p.inputs[3].dtype == DType::kBool));
    return keys > 0 && mask_fits;
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    return std::make_unique<AttentionKernel>(p, target);
  }

  bool accepts_strided_input(const Problem&, int input) const override { return input < 3; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
};

}  // namespace

const Tactic& attention_tactic() {
  static const AttentionTactic tactic;
  return tactic;
}

}  // namespace burnish
