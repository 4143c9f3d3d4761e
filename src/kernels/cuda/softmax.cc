// cuda.softmax: Softmax and LogSoftmax along any axis: rows in registers where the axis is the last one, else columns,
// each thread going down some neighbouring ones twice.
#include "kernels/cuda/rows.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/walk.h"

namespace burnish::cuda {
namespace {

constexpr int kColumnThreads = 128;

constexpr std::string_view kKernel = R"cuda(
struct Softmax {
  const x_t* x;
  y_t* y;
  int64 x_step, y_step;
  uint32 rows;
  int32 length;
};

// Of x, given the largest of its row and the sum of exponentials relative to it.
__device__ __forceinline__ y_t finished(float x, float largest, float inverse_sum, float log_sum) {
  return encode(kIsLog ? x - largest - log_sum : __expf(x - largest) * inverse_sum);
}

template <int N> __device__ __forceinline__ void softmax_row(const Softmax& s) {
  const float kLowest = __uint_as_float(0xff800000u);  // minus infinity
  wait_for_inputs();
  let_next_start();
  const int64 row = row_index();
  const bool there = row < s.rows;
  RowPart<N> part(s.x + (there ? row * s.x_step : 0), there ? s.length : 0, kLowest);
  float largest = kLowest, sum = 0.f;
  part.each([&](float v, int32) { largest = Maximum::of(largest, v); });
  largest = group_max(largest, 0);
  part.each([&](float& v, int32) {
    const float e = __expf(v - largest);
    sum += e;
    if (!kIsLog) v = e;
  });
  sum = group_sum(sum, 1);
  const float inverse = 1.f / sum, log_sum = kIsLog ? logf(sum) : 0.f;
  part.store(s.y + row * s.y_step, [&](int g, Pack<y_t, N>& to) {
#pragma unroll
    for (int e = 0; e < N; ++e) {
      const float v = part.v[g * N + e];
      to.v[e] = encode(kIsLog ? v - largest - log_sum : v * inverse);
    }
  });
}

// The largest number so far and the sum of exponentials relative to it.
struct Running {
  float largest, sum;
  __device__ __forceinline__ void add(float x) {
    if (x > largest) {
      sum = sum * __expf(largest - x) + 1.f;
      largest = x;
    } else {
      sum += x == largest ? 1.f : __expf(x - largest);
    }
  }
};

__device__ __forceinline__ void softmax_long_row(const Softmax& s) {
  wait_for_inputs();
  let_next_start();
  const int64 row = row_index();
  const int32 length = row < s.rows ? s.length : 0, first = threadIdx.x % kThreads;
  const x_t* x = s.x + row * s.x_step;
  y_t* y = s.y + row * s.y_step;
  Running own = {__uint_as_float(0xff800000u), 0.f};
  for (int32 i = first; i < length; i += kThreads) own.add(decode(x[i]));
  const float largest = group_max(own.largest, 0);
  const float sum = group_sum(own.largest == largest ? own.sum : own.sum * __expf(own.largest - largest), 1);
  for (int32 i = first; i < length; i += kThreads) y[i] = finished(decode(x[i]), largest, 1.f / sum, logf(sum));
}

// [outer, length, inner] down the middle; a thread has N neighbouring columns.
template <int N>
__device__ __forceinline__ void softmax_columns(const x_t* x, y_t* y, int32 length, int64 inner,
                                                const FastDivisor& groups, uint32 total) {
  const uint32 i = blockIdx.x * 128 + threadIdx.x;
  wait_for_inputs();
  let_next_start();
  if (i >= total) return;
  const uint32 outer = divide(i, groups), column = (i - outer * groups.divisor) * N;
  x += int64(outer) * length * inner + column;
  y += int64(outer) * length * inner + column;
  Running own[N];
#pragma unroll
  for (int e = 0; e < N; ++e) own[e] = {__uint_as_float(0xff800000u), 0.f};
#pragma unroll 4
  for (int32 r = 0; r < length; ++r) {
    const Pack<x_t, N> in = load_pack<N>(x + r * inner);
#pragma unroll
    for (int e = 0; e < N; ++e) own[e].add(decode(in.v[e]));
  }
  float inverse[N], log_sum[N];
#pragma unroll
  for (int e = 0; e < N; ++e) {
    inverse[e] = 1.f / own[e].sum;
    log_sum[e] = kIsLog ? logf(own[e].sum) : 0.f;
  }
#pragma unroll 4
  for (int32 r = 0; r < length; ++r) {
    const Pack<x_t, N> in = load_pack<N>(x + r * inner);
    Pack<y_t, N> to;
#pragma unroll
    for (int e = 0; e < N; ++e) to.v[e] = finished(decode(in.v[e]), own[e].largest, inverse[e], log_sum[e]);
    store_pack(y + r * inner, to);
  }
}

#define ROWS(name, call) \
  extern "C" __global__ void __launch_bounds__(kBlock) softmax_##name(const __grid_constant__ Softmax s) { call; }
#define COLUMNS(width)                                                                                           \
  extern "C" __global__ void __launch_bounds__(128) softmax_columns_##width(                                     \
      const x_t* x, y_t* y, int32 length, int64 inner, FastDivisor groups, uint32 total) {                       \
    softmax_columns<width>(x, y, length, inner, groups, total);                                                  \
  }
)cuda";

/// As the program takes it.
struct SoftmaxRows {
  const void* x = nullptr;
  void* y = nullptr;
  int64_t x_step = 0, y_step = 0;
  uint32_t rows = 0;
  int32_t length = 0;
};

int axis_of(const Problem& p) {
  return normalize_axis(p.attrs->get_int("axis", -1), p.inputs[0].shape.rank());
}
bool is_along_rows(const Problem& p) {
  return axis_of(p) == p.inputs[0].shape.rank() - 1;
}

Rows rows_of(const Problem& p) {
  const Shape& shape = p.inputs[0].shape;
  return {shape.product(0, shape.rank() - 1), shape.back(), p.inputs[0].ld(), p.outputs[0].ld()};
}

RowForm form_of(const Problem& p, const std::string& config) {
  return row_form(config, p.inputs[0].dtype, is_along_rows(p) ? fixed_length(p, axis_of(p)) : 1);
}

bool takes_integers(const Problem& p) {
  return p.op == "Softmax";
}

int64_t pack_bytes(DType dtype, int group) {
  return std::min<int64_t>(16, group * static_cast<int64_t>(size_of(dtype)));
}

class SoftmaxRowsKernel : public Kernel {
 public:
  SoftmaxRowsKernel(const Problem& p, const std::string& config, PackedView cubin, const Target& target)
      : rows_(rows_of(p)), functions_(device_of(target), cubin, "softmax", form_of(p, config)) {
    const int group = form_of(p, config).group;
    steps_fit_ = rows_.x_step % group == 0 && rows_.y_step % group == 0;
    x_bytes_ = pack_bytes(p.inputs[0].dtype, group);
    y_bytes_ = pack_bytes(p.outputs[0].dtype, group);
  }

  void run(const KernelArgs& args) const override {
    const bool grouped = steps_fit_ && is_aligned(args.inputs[0], x_bytes_) && is_aligned(args.outputs[0], y_bytes_);
    Parameters parameters;
    parameters.add(SoftmaxRows{args.inputs[0], args.outputs[0], rows_.x_step, rows_.y_step,
                               static_cast<uint32_t>(rows_.count), static_cast<int32_t>(rows_.length)});
    functions_.launch(rows_, grouped, parameters, args.stream);
  }

 private:
  Rows rows_;
  RowFunctions functions_;
  bool steps_fit_ = false;
  int64_t x_bytes_ = 0, y_bytes_ = 0;
};

class SoftmaxColumnsKernel : public Kernel {
 public:
  SoftmaxColumnsKernel(const Problem& p, const std::string& config, PackedView cubin, const Target& target)
      : group_(form_of(p, config).group),
        grouped_(device_of(target), cubin, fmt::format("softmax_columns_{}", group_)),
        single_(device_of(target), cubin, "softmax_columns_1") {
    const Shape& shape = p.inputs[0].shape;
    const int axis = axis_of(p);
    outer_ = shape.product(0, axis);
    length_ = shape[axis];
    inner_ = shape.product(axis + 1, shape.rank());
    x_bytes_ = pack_bytes(p.inputs[0].dtype, group_);
    y_bytes_ = pack_bytes(p.outputs[0].dtype, group_);
  }

  void run(const KernelArgs& args) const override {
    if (outer_ * length_ * inner_ == 0) return;
    const bool grouped =
        inner_ % group_ == 0 && is_aligned(args.inputs[0], x_bytes_) && is_aligned(args.outputs[0], y_bytes_);
    const int64_t groups = inner_ / (grouped ? group_ : 1), total = outer_ * groups;
    Parameters parameters;
    parameters.add(args.inputs[0]).add(args.outputs[0]).add(static_cast<int32_t>(length_)).add(inner_);
    parameters.add(fast_divisor(groups)).add(static_cast<uint32_t>(total));
    const LaunchShape shape{.grid_x = ceil_div(total, kColumnThreads), .block_x = kColumnThreads};
    (grouped ? grouped_ : single_).launch(shape, parameters, args.stream);
  }

 private:
  int group_;
  Function grouped_, single_;
  int64_t outer_ = 0, length_ = 0, inner_ = 0, x_bytes_ = 0, y_bytes_ = 0;
};

class SoftmaxTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.softmax"; }
  std::vector<std::string_view> ops() const override { return {"Softmax", "LogSoftmax"}; }

  bool supports(const Problem& p, const Target&) const override {
    const Encoding x = x_encoding(p, takes_integers(p)), y = y_encoding(p, takes_integers(p));
    const Shape& shape = p.inputs[0].shape;
    if (shape.rank() == 0 || !is_storable(x) || !is_storable(y)) return false;
    if (!takes_integers(p) && (x.is_integer() || y.is_integer())) return false;
    if (shape.num_elements() / std::max<int64_t>(1, shape[axis_of(p)]) >= INT32_MAX) return false;
    return shape[axis_of(p)] < INT32_MAX && (is_along_rows(p) || (p.inputs[0].dense() && p.outputs[0].dense()));
  }

  std::vector<std::string> candidates(const Problem& p, const Target& target) const override {
    if (!is_along_rows(p)) return {target.arch()};
    return row_candidates(p, target, rows_of(p).count, fixed_length(p, axis_of(p)));
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    const PackedView cubin = packed_at(packed, 0);
    if (is_along_rows(p)) return std::make_unique<SoftmaxRowsKernel>(p, config, cubin, target);
    return std::make_unique<SoftmaxColumnsKernel>(p, config, cubin, target);
  }

  bool accepts_strided_input(const Problem& p, int) const override { return is_along_rows(p); }
  bool accepts_strided_output(const Problem& p, int) const override { return is_along_rows(p); }
  bool may_run_in_place(const Problem& p, int) const override {
    return size_of(p.inputs[0].dtype) == size_of(p.outputs[0].dtype);
  }

 protected:
  Program program(const Problem& p, const std::string& config) const override {
    const RowForm form = form_of(p, config);
    std::string text = fmt::format("constexpr bool kIsLog = {};\n", p.op == "LogSoftmax");
    text += rows_source(form, x_encoding(p, takes_integers(p)), y_encoding(p, takes_integers(p)));
    text += kKernel;
    if (is_along_rows(p)) {
      text += "ROWS(row_1, softmax_row<1>(s))\nROWS(long, softmax_long_row(s))\n";
      if (form.group > 1) text += fmt::format("ROWS(row_{0}, softmax_row<{0}>(s))\n", form.group);
    } else {
      text += "COLUMNS(1)\n";
      if (form.group > 1) text += fmt::format("COLUMNS({})\n", form.group);
    }
    return {std::string(name()), text};
  }
};

}  // namespace

const Tactic& softmax_tactic() {
  static const SoftmaxTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
