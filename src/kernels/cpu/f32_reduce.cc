// cpu.f32_reduce: sums, means and extremes over neighbouring axes, and the global poolings.
#include <algorithm>
#include <numeric>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/simd/rows.h"
#include "kernels/cpu/tactics.h"
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

class ReduceKernel : public Kernel {
 public:
  ReduceKernel(const Problem& p, const RowKernels& kernels)
      : r_(reduction_of(p, reduced_axes(p))), scale_(kernels.scale) {
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
    const auto* x = static_cast<const float*>(args.inputs[0]);
    auto* y = static_cast<float*>(args.outputs[0]);
    if (r_.inner == 1 && r_.step == 1) return run_rows(*args.pool, x, y);
    const int64_t blocks = (r_.inner + kColumns - 1) / kColumns;
    const int64_t cost = 4 * r_.length * std::min(kColumns, r_.inner);
    parallel_ranges(*args.pool, r_.outer * blocks, cost, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t o = i / blocks, c = i % blocks * kColumns, width = std::min(kColumns, r_.inner - c);
        float* to = y + o * r_.inner + c;
        columns_(x + o * r_.length * r_.step + c, r_.length, r_.step, width, to);
        if (r_.is_mean) scale_(to, width, 1.0F / static_cast<float>(r_.length));
      }
    });
  }

 private:
  void run_rows(ThreadPool& pool, const float* x, float* y) const {
    parallel_ranges(pool, r_.outer, 4 * r_.length, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float value = row_(x + i * r_.length, r_.length);
        y[i] = r_.is_mean ? value / static_cast<float>(r_.length) : value;
      }
    });
  }

  Reduction r_;
  void (*scale_)(float*, int64_t, float);
  float (*row_)(const float*, int64_t) = nullptr;
  void (*columns_)(const float*, int64_t, int64_t, int64_t, float*) = nullptr;
};

class ReduceTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.f32_reduce"; }
  std::vector<std::string_view> ops() const override {
    return {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "GlobalAveragePool", "GlobalMaxPool"};
  }

  bool supports(const Problem& p, const Target& target) const override {
    if (target.isa < Isa::kAvx2 || !is_float(p.inputs[0]) || !is_dense_float(p.outputs[0])) return false;
    if (!is_global_pool(p) && !known_ints(p, 1)) return false;
    const std::vector<int> axes = reduced_axes(p);
    if (axes.empty() || axes.back() - axes.front() + 1 != static_cast<int>(axes.size())) return false;
    const Reduction r = reduction_of(p, axes);
    const bool may_be_strided = axes.back() == p.inputs[0].shape.rank() - 2;
    return r.length > 0 && (p.inputs[0].dense() || may_be_strided);
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    return std::make_unique<ReduceKernel>(p, target.isa >= Isa::kAvx512 ? avx512::kRows : avx2::kRows);
  }

  bool accepts_strided_input(const Problem& p, int input) const override {
    return input == 0 && is_global_pool(p) && is_nhwc(*p.attrs);
  }
};

}  // namespace

const Tactic& f32_reduce_tactic() {
  static const ReduceTactic tactic;
  return tactic;
}

}  // namespace burnish
