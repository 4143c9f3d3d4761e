// cpu.f32_normalization and cpu.f32_softmax: rows of floats, one after the other on each thread.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/simd/rows.h"
#include "kernels/cpu/tactics.h"

namespace burnish {
namespace {

const RowKernels& kernels_for(const Target& target) {
  return target.isa >= Isa::kAvx512 ? avx512::kRows : avx2::kRows;
}

int first_axis(const Problem& p, int64_t fallback) {
  return normalize_axis(p.attrs->get_int("axis", fallback), p.inputs[0].shape.rank());
}

/// Bytes that a row costs: read and written, some of the arithmetic counted as memory.
int64_t row_cost(int64_t n) {
  return 16 * n;
}

class NormalizationKernel : public Kernel {
 public:
  NormalizationKernel(const Problem& p, const RowKernels& kernels) : kernels_(kernels), is_rms_(p.op[0] == 'R') {
    const Shape& shape = p.inputs[0].shape;
    const int axis = first_axis(p, -1);
    rows_ = shape.product(0, axis);
    length_ = shape.product(axis, shape.rank());
    x_step_ = axis == shape.rank() - 1 ? p.inputs[0].ld() : length_;
    y_step_ = axis == shape.rank() - 1 ? p.outputs[0].ld() : length_;
    epsilon_ = p.attrs->get_float("epsilon", 1e-5F);
    has_bias_ = !is_rms_ && p.has_input(2);
  }

  void run(const KernelArgs& args) const override {
    const auto* x = static_cast<const float*>(args.inputs[0]);
    const auto* scale = static_cast<const float*>(args.inputs[1]);
    const auto* bias = has_bias_ ? static_cast<const float*>(args.inputs[2]) : nullptr;
    auto* y = static_cast<float*>(args.outputs[0]);
    parallel_ranges(*args.pool, rows_, row_cost(length_), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        if (is_rms_) {
          kernels_.rms_norm(x + r * x_step_, length_, epsilon_, scale, y + r * y_step_);
        } else {
          kernels_.layer_norm(x + r * x_step_, length_, epsilon_, scale, bias, y + r * y_step_);
        }
      }
    });
  }

 private:
  const RowKernels& kernels_;
  bool is_rms_;
  bool has_bias_ = false;
  int64_t rows_ = 0, length_ = 0, x_step_ = 0, y_step_ = 0;
  float epsilon_ = 0;
};

class NormalizationTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.f32_normalization"; }
  std::vector<std::string_view> ops() const override { return {"LayerNormalization", "RMSNormalization"}; }

  bool supports(const Problem& p, const Target& target) const override {
    if (target.isa < Isa::kAvx2 || !p.has_input(1) || !is_float(p.inputs[0])) return false;
    for (size_t i = 1; i < p.outputs.size(); ++i) {
      if (p.outputs[i].present()) return false;  // mean and deviation
    }
    const Shape& shape = p.inputs[0].shape;
    if (shape.rank() == 0 || !is_float(p.outputs[0])) return false;
    const int axis = first_axis(p, -1);
    const int64_t length = shape.product(axis, shape.rank());
    const bool rows_apart = !p.inputs[0].dense() || !p.outputs[0].dense();
    const auto fits = [&](int i) {
      const TensorDesc& d = p.inputs[static_cast<size_t>(i)];
      return is_dense_float(d) && d.shape.num_elements() == length;
    };
    return fits(1) && (!p.has_input(2) || fits(2)) && (!rows_apart || axis == shape.rank() - 1);
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    return std::make_unique<NormalizationKernel>(p, kernels_for(target));
  }

  bool accepts_strided_input(const Problem& p, int input) const override {
    return input == 0 && first_axis(p, -1) == p.inputs[0].shape.rank() - 1;
  }
  bool accepts_strided_output(const Problem& p, int) const override { return accepts_strided_input(p, 0); }
  bool may_run_in_place(const Problem&, int input) const override { return input == 0; }
};

class SoftmaxKernel : public Kernel {
 public:
  SoftmaxKernel(const Problem& p, const RowKernels& kernels) : kernels_(kernels), is_log_(p.op[0] == 'L') {
    const Shape& shape = p.inputs[0].shape;
    const int axis = first_axis(p, -1);
    outer_ = shape.product(0, axis);
    length_ = shape[axis];
    inner_ = shape.product(axis + 1, shape.rank());
    x_step_ = inner_ == 1 ? p.inputs[0].ld() : length_ * inner_;
    y_step_ = inner_ == 1 ? p.outputs[0].ld() : length_ * inner_;
    if (axis != shape.rank() - 1) x_step_ = y_step_ = length_ * inner_;
  }

  void run(const KernelArgs& args) const override {
    if (length_ == 0) return;
    const auto* x = static_cast<const float*>(args.inputs[0]);
    auto* y = static_cast<float*>(args.outputs[0]);
    parallel_ranges(*args.pool, outer_, 4 * row_cost(length_ * inner_), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        if (inner_ > 1) {
          kernels_.softmax_columns(x + r * x_step_, length_, inner_, inner_, y + r * y_step_);
        } else {
          (is_log_ ? kernels_.log_softmax : kernels_.softmax)(x + r * x_step_, length_, y + r * y_step_);
        }
      }
    });
  }

 private:
  const RowKernels& kernels_;
  bool is_log_;
  int64_t outer_ = 0, length_ = 0, inner_ = 0, x_step_ = 0, y_step_ = 0;
};

class SoftmaxTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.f32_softmax"; }
  std::vector<std::string_view> ops() const override { return {"Softmax", "LogSoftmax"}; }

  bool supports(const Problem& p, const Target& target) const override {
    const Shape& shape = p.inputs[0].shape;
    if (target.isa < Isa::kAvx2 || !is_float(p.inputs[0]) || shape.rank() == 0) return false;
    const int axis = first_axis(p, -1), last = shape.rank() - 1;
    if (axis == last) return true;
    if (p.op == "LogSoftmax" && shape.product(axis + 1, shape.rank()) > 1) return false;
    return p.inputs[0].dense() && p.outputs[0].dense();
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    return std::make_unique<SoftmaxKernel>(p, kernels_for(target));
  }

  bool accepts_strided_input(const Problem& p, int) const override {
    return first_axis(p, -1) == p.inputs[0].shape.rank() - 1;
  }
  bool accepts_strided_output(const Problem& p, int) const override { return accepts_strided_input(p, 0); }
  bool may_run_in_place(const Problem&, int) const override { return true; }
};

}  // namespace

const Tactic& f32_normalization_tactic() {
  static const NormalizationTactic tactic;
  return tactic;
}

const Tactic& f32_softmax_tactic() {
  static const SoftmaxTactic tactic;
  return tactic;
}

}  // namespace burnish
