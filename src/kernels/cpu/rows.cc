// cpu.normalization and cpu.softmax: rows of any encoding, one after the other on each thread; what is no float is
// decoded into a row of floats first, and encoded from it.
#include "kernels/cpu/simd/rows.h"

#include <algorithm>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/tactics.h"
#include "kernels/cpu/tensor_format.h"

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

/// Which of these operators take encodings of integers.
bool takes_encodings(const Problem& p) {
  return p.op == "LayerNormalization" || p.op == "Softmax";
}
Encoding x_encoding(const Problem& p) {
  const DType dtype = p.inputs[0].dtype;
  return takes_encodings(p) ? input_encoding(*p.attrs, 0, dtype) : Encoding{dtype};
}
Encoding y_encoding(const Problem& p) {
  return takes_encodings(p) ? output_encoding_like(*p.attrs, p.inputs[0].dtype) : Encoding{p.outputs[0].dtype};
}

bool formats_fit(const Problem& p) {
  if (!is_encodable(p.inputs[0].dtype) || !is_storable(x_encoding(p)) || !is_storable(y_encoding(p))) return false;
  return takes_encodings(p) || !x_encoding(p).is_integer();
}

bool keeps_size(const Problem& p) {
  return size_of(p.inputs[0].dtype) == size_of(p.outputs[0].dtype);
}

/// Rows in their formats, seen as floats.
class RowFormats {
 public:
  RowFormats(const Problem& p, int64_t length, const Target& target)
      : x_(format_of(x_encoding(p))),
        y_(format_of(y_encoding(p))),
        length_(length),
        threads_(target.num_threads),
        convert_(convert_kernels(target).convert) {}

  bool plain() const { return x_.storage == Storage::kFloat && y_.storage == Storage::kFloat; }
  int threads() const { return threads_; }
  size_t scratch_bytes() const { return plain() ? 0 : static_cast<size_t>(threads_ * row_floats()) * sizeof(float); }

  /// f(x, y) on row `r` as floats. Rows stand `…_step` elements apart.
  template <typename F>
  void with_row(const KernelArgs& args, int thread, int64_t r, int64_t x_step, int64_t y_step, const F& f) const {
    const char* x = static_cast<const char*>(args.inputs[0]) + r * x_step * size_of(x_.storage);
    char* y = static_cast<char*>(args.outputs[0]) + r * y_step * size_of(y_.storage);
    float* buffer = static_cast<float*>(args.scratch) + thread * row_floats();
    if (x_.storage != Storage::kFloat) convert_(x, x_, buffer, {}, length_);
    float* result = y_.storage == Storage::kFloat ? reinterpret_cast<float*>(y) : buffer;
    f(x_.storage == Storage::kFloat ? reinterpret_cast<const float*>(x) : buffer, result);
    if (y_.storage != Storage::kFloat) convert_(buffer, {}, y, y_, length_);
  }

 private:
  int64_t row_floats() const { return (length_ + 15) / 16 * 16; }

  Format x_, y_;
  int64_t length_;
  int threads_;
  void (*convert_)(const void*, const Format&, void*, const Format&, int64_t);
};

class NormalizationKernel : public Kernel {
 public:
  NormalizationKernel(const Problem& p, const Target& target)
      : kernels_(kernels_for(target)),
        is_rms_(p.op[0] == 'R'),
        axis_(first_axis(p, -1)),
        length_(p.inputs[0].shape.product(axis_, p.inputs[0].shape.rank())),
        formats_(p, length_, target),
        convert_(convert_kernels(target).convert) {
    const Shape& shape = p.inputs[0].shape;
    rows_ = shape.product(0, axis_);
    x_step_ = axis_ == shape.rank() - 1 ? p.inputs[0].ld() : length_;
    y_step_ = axis_ == shape.rank() - 1 ? p.outputs[0].ld() : length_;
    epsilon_ = p.attrs->get_float("epsilon", 1e-5F);
    has_bias_ = !is_rms_ && p.has_input(2);
    scale_ = format_of({p.inputs[1].dtype});
    if (has_bias_) bias_ = format_of({p.inputs[2].dtype});
  }

  /// Behind the rows of the threads: scale and bias as floats.
  size_t scratch_bytes() const override {
    return formats_.scratch_bytes() + 2 * static_cast<size_t>(length_) * sizeof(float);
  }

  void run(const KernelArgs& args) const override {
    auto* decoded = static_cast<char*>(args.scratch) + formats_.scratch_bytes();
    const float* scale = floats_of(args, 1, scale_, reinterpret_cast<float*>(decoded));
    const float* bias = has_bias_ ? floats_of(args, 2, bias_, reinterpret_cast<float*>(decoded) + length_) : nullptr;
    const auto normalize = [&](const float* x, float* y) {
      if (is_rms_) {
        kernels_.rms_norm(x, length_, epsilon_, scale, y);
      } else {
        kernels_.layer_norm(x, length_, epsilon_, scale, bias, y);
      }
    };
    parallel_parts(*args.pool, formats_.threads(), rows_, row_cost(length_), [&](int t, int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) formats_.with_row(args, t, r, x_step_, y_step_, normalize);
    });
  }

 private:
  const float* floats_of(const KernelArgs& args, size_t i, const Format& format, float* buffer) const {
    if (format.storage == Storage::kFloat) return static_cast<const float*>(args.inputs[i]);
    convert_(args.inputs[i], format, buffer, {}, length_);
    return buffer;
  }

  const RowKernels& kernels_;
  bool is_rms_;
  bool has_bias_ = false;
  int axis_;
  int64_t rows_ = 0, length_, x_step_ = 0, y_step_ = 0;
  float epsilon_ = 0;
  RowFormats formats_;
  Format scale_, bias_;
  void (*convert_)(const void*, const Format&, void*, const Format&, int64_t);
};

class NormalizationTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.normalization"; }
  std::vector<std::string_view> ops() const override { return {"LayerNormalization", "RMSNormalization"}; }

  bool supports(const Problem& p, const Target& target) const override {
    if (target.isa < Isa::kAvx2 || !p.has_input(1) || !formats_fit(p)) return false;
    for (size_t i = 1; i < p.outputs.size(); ++i) {
      if (p.outputs[i].present()) return false;  // mean and deviation
    }
    const Shape& shape = p.inputs[0].shape;
    if (shape.rank() == 0) return false;
    const int axis = first_axis(p, -1);
    const int64_t length = shape.product(axis, shape.rank());
    const bool rows_apart = !p.inputs[0].dense() || !p.outputs[0].dense();
    const auto fits = [&](int i) {
      const TensorDesc& d = p.inputs[static_cast<size_t>(i)];
      return is_encodable(d.dtype) && is_floating(d.dtype) && d.dense() && d.shape.num_elements() == length;
    };
    return fits(1) && (!p.has_input(2) || fits(2)) && (!rows_apart || axis == shape.rank() - 1);
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    return std::make_unique<NormalizationKernel>(p, target);
  }

  bool accepts_strided_input(const Problem& p, int input) const override {
    return input == 0 && first_axis(p, -1) == p.inputs[0].shape.rank() - 1;
  }
  bool accepts_strided_output(const Problem& p, int) const override { return accepts_strided_input(p, 0); }
  bool may_run_in_place(const Problem& p, int input) const override { return input == 0 && keeps_size(p); }
};

class SoftmaxKernel : public Kernel {
 public:
  SoftmaxKernel(const Problem& p, const Target& target)
      : kernels_(kernels_for(target)),
        is_log_(p.op[0] == 'L'),
        axis_(first_axis(p, -1)),
        length_(p.inputs[0].shape[axis_]),
        inner_(p.inputs[0].shape.product(axis_ + 1, p.inputs[0].shape.rank())),
        formats_(p, length_ * inner_, target) {
    const bool is_last = axis_ == p.inputs[0].shape.rank() - 1;
    outer_ = p.inputs[0].shape.product(0, axis_);
    x_step_ = is_last ? p.inputs[0].ld() : length_ * inner_;
    y_step_ = is_last ? p.outputs[0].ld() : length_ * inner_;
  }

  size_t scratch_bytes() const override { return formats_.scratch_bytes(); }

  void run(const KernelArgs& args) const override {
    if (length_ * inner_ == 0) return;
    const auto softmax = [&](const float* x, float* y) {
      if (inner_ > 1) {
        kernels_.softmax_columns(x, length_, inner_, inner_, y);
      } else {
        (is_log_ ? kernels_.log_softmax : kernels_.softmax)(x, length_, y);
      }
    };
    const int64_t cost = 4 * row_cost(length_ * inner_);
    parallel_parts(*args.pool, formats_.threads(), outer_, cost, [&](int t, int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) formats_.with_row(args, t, r, x_step_, y_step_, softmax);
    });
  }

 private:
  const RowKernels& kernels_;
  bool is_log_;
  int axis_;
  int64_t length_, inner_, outer_ = 0, x_step_ = 0, y_step_ = 0;
  RowFormats formats_;
};

class SoftmaxTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.softmax"; }
  std::vector<std::string_view> ops() const override { return {"Softmax", "LogSoftmax"}; }

  bool supports(const Problem& p, const Target& target) const override {
    const Shape& shape = p.inputs[0].shape;
    if (target.isa < Isa::kAvx2 || shape.rank() == 0 || !formats_fit(p)) return false;
    const int axis = first_axis(p, -1), last = shape.rank() - 1;
    if (axis == last) return true;
    if (p.op == "LogSoftmax" && shape.product(axis + 1, shape.rank()) > 1) return false;
    return p.inputs[0].dense() && p.outputs[0].dense();
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    return std::make_unique<SoftmaxKernel>(p, target);
  }

  bool accepts_strided_input(const Problem& p, int) const override {
    return first_axis(p, -1) == p.inputs[0].shape.rank() - 1;
  }
  bool accepts_strided_output(const Problem& p, int) const override { return accepts_strided_input(p, 0); }
  bool may_run_in_place(const Problem& p, int) const override { return keeps_size(p); }
};

}  // namespace

const Tactic& normalization_tactic() {
  static const NormalizationTactic tactic;
  return tactic;
}

const Tactic& softmax_tactic() {
  static const SoftmaxTactic tactic;
  return tactic;
}

}  // namespace burnish
