// cpu.pool: MaxPool and AveragePool over one or two spatial dimensions, channels last, of any encoding. Windows that
// move by one are folded down the columns first, then along the row.
#include <algorithm>
#include <array>
#include <limits>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/simd/taps.h"
#include "kernels/cpu/tactics.h"
#include "kernels/cpu/tensor_format.h"
#include "ops/spatial.h"

namespace burnish {
namespace {

/// Taps of one window; larger ones are left to the reference.
constexpr int64_t kMaxTaps = 256;

/// One spatial dimension.
struct Axis {
  int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, pad = 0, pad_end = 0;

  int64_t start(int64_t o) const { return o * stride - pad; }
  /// Kernel positions whose element is inside the input.
  OutputRange taps(int64_t o) const { return inside(kernel, dilation, start(o), in); }
  /// …or inside the input and its padding.
  int64_t num_padded(int64_t o) const {
    const OutputRange r = inside(kernel, dilation, start(o) + pad, in + pad + pad_end);
    return r.end - r.begin;
  }
};

struct PoolShape {
  int64_t batch = 1, channels = 1, x_step = 1, y_step = 1;  // steps: bytes between pixels
  Axis rows, columns;
};

PoolShape pool_shape(const Problem& p) {
  const Shape& x = p.inputs[0].shape;
  const Shape& y = p.outputs[0].shape;
  ConvGeometry g = conv_geometry_of(*p.attrs, {});
  const size_t spatial = g.kernel.size();
  resolve_auto_pad(g, auto_pad_of(*p.attrs), x.dims().subspan(1, spatial));
  const auto axis = [&](size_t i) {
    const int d = static_cast<int>(i) + 1;
    return Axis{x[d], y[d], g.kernel[i], g.strides[i], g.dilations[i], g.pads[i], g.pads[i + spatial]};
  };
  const auto step = [](const TensorDesc& d) { return d.ld() * static_cast<int64_t>(size_of(d.dtype)); };
  PoolShape s{x[0], x.back(), step(p.inputs[0]), step(p.outputs[0]), {}, {}};
  if (spatial == 2) s.rows = axis(0);
  s.columns = axis(spatial - 1);
  return s;
}

/// MaxPool knows no encodings: its integers are plain numbers.
Encoding x_encoding(const Problem& p) {
  const DType dtype = p.inputs[0].dtype;
  return p.op == "MaxPool" ? Encoding{dtype} : input_encoding(*p.attrs, 0, dtype);
}
Encoding y_encoding(const Problem& p) {
  return p.op == "MaxPool" ? Encoding{p.outputs[0].dtype} : output_encoding_like(*p.attrs, p.inputs[0].dtype);
}

class PoolKernel : public Kernel {
 public:
  PoolKernel(const Problem& p, const Target& target)
      : kernels_(target.isa >= Isa::kAvx512 ? avx512::kTaps : avx2::kTaps),
        convert_(convert_kernels(target).convert),
        s_(pool_shape(p)),
        is_max_(p.op == "MaxPool"),
        num_threads_(target.num_threads) {
    x_ = format_of(x_encoding(p));
    y_ = format_of(y_encoding(p));
    x_bytes_ = size_of(x_.storage);
    count_padding_ = p.attrs->get_int("count_include_pad", 0) != 0;
    is_separable_ = is_max_ && s_.rows.kernel > 1 && s_.columns.kernel > 1 && s_.columns.stride < s_.columns.kernel;
  }

  /// A row of column maxima for each thread.
  size_t scratch_bytes() const override { return static_cast<size_t>(num_threads_ * line_bytes()); }

  void run(const KernelArgs& args) const override {
    const int64_t lines = s_.batch * s_.rows.out;
    const int threads = usable_threads(*args.pool, num_threads_);
    const auto some = [&](int t, int n) {
      char* line = static_cast<char*>(args.scratch) + t * line_bytes();
      for (int64_t i = lines * t / n; i < lines * (t + 1) / n; ++i) run_line(args, i, line);
    };
    const int64_t cost = s_.columns.out * s_.channels * s_.rows.kernel * s_.columns.kernel;
    if (threads == 1 || lines * cost < kSerialBytes) {
      some(0, 1);
    } else {
      args.pool->run(some);
    }
  }

 private:
  using TapList = std::array<const void*, kMaxTaps>;

  int64_t line_bytes() const { return is_separable_ ? (s_.columns.in * s_.channels * x_bytes_ + 63) / 64 * 64 : 0; }

  void run_line(const KernelArgs& args, int64_t index, char* line) const {
    const int64_t n = index / s_.rows.out, o = index % s_.rows.out;
    const auto* x = static_cast<const char*>(args.inputs[0]) + n * s_.rows.in * s_.columns.in * s_.x_step;
    auto* y = static_cast<char*>(args.outputs[0]) + index * s_.columns.out * s_.y_step;
    const OutputRange rows = s_.rows.taps(o);
    if (is_separable_ && rows.begin < rows.end) {
      fold_columns(x, o, rows, line);
      const int64_t step = s_.channels * x_bytes_;
      for (int64_t c = 0; c < s_.columns.out; ++c) run_pixel(line, step, 0, {0, 1}, c, 1, y + c * s_.y_step);
      return;
    }
    const int64_t padded = s_.rows.num_padded(o);
    const auto* first = x + s_.rows.start(o) * s_.columns.in * s_.x_step;
    for (int64_t c = 0; c < s_.columns.out; ++c) {
      run_pixel(first, s_.x_step, s_.rows.dilation * s_.columns.in * s_.x_step, rows, c, padded, y + c * s_.y_step);
    }
  }

  /// line[w][c] = the maximum of the window's rows at column w.
  void fold_columns(const char* x, int64_t o, OutputRange rows, char* line) const {
    TapList taps;  // NOLINT
    const bool dense = s_.x_step == s_.channels * x_bytes_;
    const int64_t runs = dense ? 1 : s_.columns.in, length = dense ? s_.columns.in * s_.channels : s_.channels;
    for (int64_t w = 0; w < runs; ++w) {
      int64_t count = 0;
      for (int64_t k = rows.begin; k < rows.end; ++k) {
        const int64_t row = s_.rows.start(o) + k * s_.rows.dilation;
        taps[static_cast<size_t>(count++)] = x + (row * s_.columns.in + w) * s_.x_step;
      }
      kernels_.maximum({taps.data(), count, length}, x_.storage, line + w * s_.channels * x_bytes_);
    }
  }

  /// Output pixel c of a line. Row k of the window is at x + k·row_step, its pixels pixel_step apart.
  void run_pixel(const char* x, int64_t pixel_step, int64_t row_step, OutputRange rows, int64_t c, int64_t padded_rows,
                 char* y) const {
    TapList taps;  // NOLINT
    int64_t count = 0;
    const OutputRange columns = s_.columns.taps(c);
    for (int64_t k = rows.begin; k < rows.end; ++k) {
      for (int64_t j = columns.begin; j < columns.end; ++j) {
        taps[static_cast<size_t>(count++)] =
            x + k * row_step + (s_.columns.start(c) + j * s_.columns.dilation) * pixel_step;
      }
    }
    if (count == 0) {
      const float nothing = is_max_ ? std::numeric_limits<float>::lowest() : 0.0F;
      for (int64_t k = 0; k < s_.channels; ++k) convert_(&nothing, {}, y + k * size_of(y_.storage), y_, 1);
    } else if (is_max_) {
      kernels_.maximum({taps.data(), count, s_.channels}, x_.storage, y);
    } else {
      const int64_t divisor = count_padding_ ? padded_rows * s_.columns.num_padded(c) : count;
      kernels_.sum({taps.data(), count, s_.channels}, x_, 1.0F / static_cast<float>(divisor), y, y_);
    }
  }

  const TapKernels& kernels_;
  void (*convert_)(const void*, const Format&, void*, const Format&, int64_t);
  PoolShape s_;
  Format x_, y_;
  int64_t x_bytes_ = 0;
  bool is_max_;
  bool count_padding_ = false;
  bool is_separable_ = false;
  int num_threads_;
};

class PoolTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.pool"; }
  std::vector<std::string_view> ops() const override { return {"MaxPool", "AveragePool"}; }

  bool supports(const Problem& p, const Target& target) const override {
    const int rank = p.inputs[0].shape.rank();
    if (target.isa < Isa::kAvx2 || !is_encodable(p.inputs[0].dtype) || !is_nhwc(*p.attrs)) return false;
    if (!is_storable(x_encoding(p)) || !is_storable(y_encoding(p))) return false;
    if ((p.outputs.size() > 1 && p.outputs[1].present()) || rank < 3 || rank > 4) return false;
    const PoolShape s = pool_shape(p);
    return s.rows.kernel <= kMaxTaps && s.columns.kernel <= kMaxTaps && s.rows.kernel * s.columns.kernel <= kMaxTaps;
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    return std::make_unique<PoolKernel>(p, target);
  }

  bool accepts_strided_input(const Problem&, int) const override { return true; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
};

}  // namespace

const Tactic& pool_tactic() {
  static const PoolTactic tactic;
  return tactic;
}

}  // namespace burnish
