// cpu.f32_attention: FusedAttention, one (batch, head, block of queries) after the other on each thread.
#include <algorithm>
#include <array>

#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/simd/attention.h"
#include "kernels/cpu/tactics.h"
#include "ops/fused.h"

namespace burnish {
namespace {

bool is_packed(const Problem& p) {
  return p.attrs->get_int("packed_qkv", 0) != 0;
}

class AttentionKernel : public Kernel {
 public:
  AttentionKernel(const Problem& p, const Target& target)
      : kernels_(target.isa >= Isa::kAvx512 ? avx512::kAttention : avx2::kAttention),
        is_packed_(burnish::is_packed(p)),
        num_threads_(target.num_threads) {
    const Shape& q = p.inputs[0].shape;
    batch_ = q[0];
    heads_ = p.attrs->get_int("num_heads", 1);
    block_.scale = p.attrs->get_float("scale", 1.0F);
    block_.masked_rows_zero = p.attrs->get_int("masked_rows_zero", 0) != 0;
    queries_ = q[1];
    block_.q_row = p.inputs[0].ld();
    block_.y_row = p.outputs[0].ld();
    block_.v_size = p.outputs[0].shape[2] / heads_;
    block_.q_size = is_packed_ ? block_.v_size : q[2] / heads_;
    block_.keys = is_packed_ ? queries_ : p.inputs[1].shape[1];
    block_.k_row = is_packed_ ? block_.q_row : p.inputs[1].ld();
    block_.v_row = is_packed_ ? block_.q_row : p.inputs[2].ld();
    if (p.has_input(3)) set_mask(p.inputs[3]);
    query_blocks_ = (queries_ + kernels_.max_queries - 1) / kernels_.max_queries;
    thread_floats_ = (kernels_.scratch_floats(block_.keys, block_.q_size) + 15) / 16 * 16;
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(num_threads_ * thread_floats_) * sizeof(float); }

  void run(const KernelArgs& args) const override {
    const int64_t n = batch_ * heads_ * query_blocks_;
    const auto some = [&](int t, int threads) {
      AttentionBlock block = block_;
      block.scratch = static_cast<float*>(args.scratch) + t * thread_floats_;
      for (int64_t i = n * t / threads; i < n * (t + 1) / threads; ++i) run_block(args, i, block);
    };
    if (usable_threads(*args.pool, num_threads_) == 1) {
      some(0, 1);
    } else {
      args.pool->run(some);
    }
  }

 private:
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

  /// Block i, counted by batch, head and queries.
  void run_block(const KernelArgs& args, int64_t i, AttentionBlock& block) const {
    const int64_t s = i % query_blocks_ * kernels_.max_queries, h = i / query_blocks_ % heads_;
    const int64_t b = i / query_blocks_ / heads_;
    block.queries = std::min(kernels_.max_queries, queries_ - s);
    const auto* q = static_cast<const float*>(args.inputs[0]);
    const int64_t part = heads_ * block.q_size;  // columns of each of packed q, k and v
    const float* k = is_packed_ ? q + part : static_cast<const float*>(args.inputs[1]);
    const float* v = is_packed_ ? q + 2 * part : static_cast<const float*>(args.inputs[2]);
    block.q = q + (b * queries_ + s) * block.q_row + h * block.q_size;
    block.k = k + b * block.keys * block.k_row + h * block.q_size;
    block.v = v + b * block.keys * block.v_row + h * block.v_size;
    block.y = static_cast<float*>(args.outputs[0]) + (b * queries_ + s) * block.y_row + h * block.v_size;
    if (has_mask_) {
      const int64_t at = b * mask_strides_[0] + h * mask_strides_[1] + s * mask_strides_[2];
      block.mask_add = mask_is_bool_ ? nullptr : static_cast<const float*>(args.inputs[3]) + at;
      block.mask_keep = mask_is_bool_ ? static_cast<const uint8_t*>(args.inputs[3]) + at : nullptr;
    }
    kernels_.run(block);
  }

  const AttentionKernels& kernels_;
  bool is_packed_;
  int num_threads_;
  int64_t batch_ = 0, heads_ = 0, queries_ = 0, query_blocks_ = 0, thread_floats_ = 0;
  bool has_mask_ = false, mask_is_bool_ = false;
  std::array<int64_t, 4> mask_strides_{};
  AttentionBlock block_{};
};

class AttentionTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.f32_attention"; }
  std::vector<std::string_view> ops() const override { return {kFusedAttention}; }

  bool supports(const Problem& p, const Target& target) const override {
    if (target.isa < Isa::kAvx2 || !is_float(p.inputs[0]) || !is_float(p.outputs[0])) return false;
    if (!is_packed(p) && (!p.has_input(1) || !p.has_input(2) || !is_float(p.inputs[1]) || !is_float(p.inputs[2]))) {
      return false;
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

const Tactic& f32_attention_tactic() {
  static const AttentionTactic tactic;
  return tactic;
}

}  // namespace burnish
