// cpu.reduce: sums, means and extremes over neighbouring axes, and the global poolings; down columns of any encoding.
#include <algorithm>
#include <numeric>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/simd/rows.h"
#include "kernels/cpu/tactics.h"
#include "kernels/cpu/tensor_format.h"
#include "ops/fused.h"

namespace burnish {
namespace {

/// Columns that one item of work reduces: whole cache lines, enough of them for the prefetcher.
constexpr int64_t kColumns = 256;

/// The tensor as [outer, length, inner] with the middle one reduced; `step` elements from one to the next of those.
struct Reduction {
  int64_t outer = 0, length = 0, inner = 0, step = 0;
  bool is_mean = false;
};

bool is_global_pool(const Problem& p) {
  return p.op.starts_with("Global");
}

/// The axes, sorted and counted from the front. Requires known_ints().
std::vector<int> reduced_axes(const Problem& p) {
  const int rank = p.inputs[0].shape.rank();
  std::vector<int> axes;
  if (is_global_pool(p)) {
    axes.resize(static_cast<size_t>(std::max(0, rank - 2)));
    std::iota(axes.begin(), axes.end(), is_nhwc(*p.attrs) ? 1 : 2);
    return axes;
  }
  for (const int64_t axis : ints_at(p, 1)) axes.push_back(normalize_axis(axis, rank));
  if (axes.empty() && p.attrs->get_int("noop_with_empty_axes", 0) == 0) {
    axes.resize(static_cast<size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  std::sort(axes.begin(), axes.end());
  return axes;
}

Reduction reduction_of(const Problem& p, const std::vector<int>& axes) {
  const Shape& shape = p.inputs[0].shape;
  Reduction r;
  r.outer = shape.product(0, axes.front());
  r.length = shape.product(axes.front(), axes.back() + 1);
  r.inner = shape.product(axes.back() + 1, shape.rank());
  r.step = axes.back() == shape.rank() - 2 ? p.inputs[0].ld() : r.inner;
  r.is_mean = p.op == "ReduceMean" || p.op == "GlobalAveragePool";
  return r;
}

/// GlobalAveragePool alone takes encodings of integers.
Encoding x_encoding(const Problem& p) {
  const DType dtype = p.inputs[0].dtype;
  return p.op == "GlobalAveragePool" ? input_encoding(*p.attrs, 0, dtype) : Encoding{dtype};
}
Encoding y_encoding(const Problem& p) {
  return p.op == "GlobalAveragePool" ? output_encoding_like(*p.attrs, p.inputs[0].dtype) : Encoding{p.outputs[0].dtype};
}

bool is_down_columns(const Reduction& r) {
  return r.inner != 1 || r.step != 1;
}

class ReduceKernel : public Kernel {
 public:
  ReduceKernel(const Problem& p, const Target& target)
      : r_(reduction_of(p, reduced_axes(p))),
        x_(format_of(x_encoding(p))),
        y_(format_of(y_encoding(p))),
        convert_(convert_kernels(target).convert) {
    const RowKernels& kernels = target.isa >= Isa::kAvx512 ? avx512::kRows : avx2::kRows;
    scale_ = kernels.scale;
    if (p.op == "ReduceMax" || p.op == "GlobalMaxPool") {
      row_ = kernels.maximum;
      columns_ = kernels.maximum_columns;
    } else if (p.op == "ReduceMin") {
      row_ = kernels.minimum;
      columns_ = kernels.minimum_columns;
    } else {
      row_ = kernels.sum;
      columns_ = kernels.sum_columns;
    }
  }

  void run(const KernelArgs& args) const override {
    if (!is_down_columns(r_)) {
      return run_rows(*args.pool, static_cast<const float*>(args.inputs[0]), static_cast<float*>(args.outputs[0]));
    }
    const int64_t blocks = (r_.inner + kColumns - 1) / kColumns;
    const int64_t cost = size_of(x_.storage) * r_.length * std::min(kColumns, r_.inner);
    parallel_ranges(*args.pool, r_.outer * blocks, cost, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) run_columns(args, i / blocks, i % blocks * kColumns);
    });
  }

 private:
  /// At most kColumns neighbouring columns.
  void run_columns(const KernelArgs& args, int64_t outer, int64_t column) const {
    const int64_t width = std::min(kColumns, r_.inner - column);
    const auto* x = static_cast<const char*>(args.inputs[0]);
    auto* y = static_cast<char*>(args.outputs[0]) + (outer * r_.inner + column) * size_of(y_.storage);
    const bool direct = y_.storage == Storage::kFloat;
    float buffer[kColumns];  // NOLINT: written before it is read
    float* result = direct ? reinterpret_cast<float*>(y) : buffer;
    columns_(x + (outer * r_.length * r_.step + column) * size_of(x_.storage), x_, r_.length, r_.step, width, result);
    if (r_.is_mean) scale_(result, width, 1.0F / static_cast<float>(r_.length));
    if (!direct) convert_(result, {}, y, y_, width);
  }

  void run_rows(ThreadPool& pool, const float* x, float* y) const {
    parallel_ranges(pool, r_.outer, 4 * r_.length, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float value = row_(x + i * r_.length, r_.length);
        y[i] = r_.is_mean ? value / static_cast<float>(r_.length) : value;
      }
    });
  }

  Reduction r_;
  Format x_, y_;
  void (*convert_)(const void*, const Format&, void*, const Format&, int64_t);
  void (*scale_)(float*, int64_t, float) = nullptr;
  float (*row_)(const float*, int64_t) = nullptr;
  void (*columns_)(const void*, const Format&, int64_t, int64_t, int64_t, float*) = nullptr;
};

class ReduceTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.reduce"; }
  std::vector<std::string_view> ops() const override {
    return {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "GlobalAveragePool", "GlobalMaxPool"};
  }

  bool supports(const Problem& p, const Target& target) const override {
    const bool floats = is_float(p.inputs[0]) && is_float(p.outputs[0]);
    if (target.isa < Isa::kAvx2 || !p.outputs[0].dense() || !is_encodable(p.inputs[0].dtype)) return false;
    if (!is_storable(x_encoding(p)) || !is_storable(y_encoding(p))) return false;
    // Integers without an encoding have sums of their own kind.
    if (x_encoding(p).is_integer() && p.op != "GlobalAveragePool") return false;
    if (!is_global_pool(p) && !known_ints(p, 1)) return false;
    const std::vector<int> axes = reduced_axes(p);
    if (axes.empty() || axes.back() - axes.front() + 1 != static_cast<int>(axes.size())) return false;
    const Reduction r = reduction_of(p, axes);
    if (!floats && !is_down_columns(r)) return false;
    const bool may_be_strided = axes.back() == p.inputs[0].shape.rank() - 2;
    return r.length > 0 && (p.inputs[0].dense() || may_be_strided);
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    return std::make_unique<ReduceKernel>(p, target);
  }

  bool accepts_strided_input(const Problem& p, int input) const override {
    return input == 0 && is_global_pool(p) && is_nhwc(*p.attrs);
  }
};

}  // namespace

const Tactic& reduce_tactic() {
  static const ReduceTactic tactic;
  return tactic;
}

}  // namespace burnish
