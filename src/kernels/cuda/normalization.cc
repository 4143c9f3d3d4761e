// cuda.normalization: LayerNormalization, RMSNormalization, GroupNormalization and InstanceNormalization, all of them
// rows of neighbouring elements: mean and variance in two passes over registers.
#include "kernels/cuda/rows.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/walk.h"

namespace burnish::cuda {
namespace {

constexpr std::string_view kKernel = R"cuda(
// Which factor belongs to an element of a row: its own, or its channel's.
struct Channels { FastDivisor groups, pixels; int32 members; };

template <int N, typename T>
__device__ __forceinline__ Pack<T, N> factors(const T* p, int32 channel, int32 i, const Channels& c) {
  if (kOfElements) return load_pack<N>(p + i);
  Pack<T, N> x;
#pragma unroll
  for (int e = 0; e < N; ++e) x.v[e] = p[channel + int32(divide(i + e, c.pixels))];
  return x;
}

struct Norm {
  const x_t* x;
  y_t* y;
  const scale_t* scale;
  const bias_t* bias;
  int64 x_step, y_step;
  uint32 rows;
  int32 length;
  float epsilon;
  Channels channels;
};

__device__ __forceinline__ int32 first_channel(const Norm& n, uint32 row) {
  return kOfElements ? 0 : int32(row - divide(row, n.channels.groups) * n.channels.groups.divisor) * n.channels.members;
}
__device__ __forceinline__ y_t finished(float x, float mean, float inverse, float scale, float bias) {
  return encode((x - mean) * inverse * scale + bias);
}

template <int N> __device__ __forceinline__ void normalize_row(const Norm& n) {
  constexpr bool kAhead = kFloats <= 16;  // where registers allow it, factors are loaded with the row
  constexpr int kGroups = RowPart<N>::kGroups;
  wait_for_inputs();
  let_next_start();
  const int64 row = row_index();
  const bool there = row < n.rows;
  RowPart<N> part(n.x + (there ? row * n.x_step : 0), there ? n.length : 0, 0.f);
  const int32 channel = first_channel(n, uint32(row));
  Pack<scale_t, N> scale[kAhead ? kGroups : 1];
  Pack<bias_t, N> bias[kAhead ? kGroups : 1];
  if (kAhead) {
#pragma unroll
    for (int g = 0; g < (kAhead ? kGroups : 1); ++g) {
      if (part.at(g) >= part.length) continue;
      scale[g] = factors<N>(n.scale, channel, part.at(g), n.channels);
      if (kHasBias) bias[g] = factors<N>(n.bias, channel, part.at(g), n.channels);
    }
  }
  float mean = 0.f, squares = 0.f;
  if (!kIsRms) {
    float sum = 0.f;
    part.each([&](float v, int32) { sum += v; });
    mean = group_sum(sum, 0) / float(n.length);
  }
  part.each([&](float v, int32) { squares += (v - mean) * (v - mean); });
  const float inverse = 1.f / sqrtf(group_sum(squares, 1) / float(n.length) + n.epsilon);
  part.store(n.y + row * n.y_step, [&](int g, Pack<y_t, N>& to) {
    const int k = kAhead ? g : 0;
    if (!kAhead) {
      scale[0] = factors<N>(n.scale, channel, part.at(g), n.channels);
      if (kHasBias) bias[0] = factors<N>(n.bias, channel, part.at(g), n.channels);
    }
#pragma unroll
    for (int e = 0; e < N; ++e) {
      to.v[e] = finished(part.v[g * N + e], mean, inverse, to_float(scale[k].v[e]),
                         kHasBias ? to_float(bias[k].v[e]) : 0.f);
    }
  });
}

__device__ __forceinline__ void normalize_long_row(const Norm& n) {
  wait_for_inputs();
  let_next_start();
  const int64 row = row_index();
  const int32 length = row < n.rows ? n.length : 0, first = threadIdx.x % kThreads;
  const x_t* x = n.x + row * n.x_step;
  y_t* y = n.y + row * n.y_step;
  const int32 channel = first_channel(n, uint32(row));
  float mean = 0.f, squares = 0.f;
  if (!kIsRms) {
    float sum = 0.f;
    for (int32 i = first; i < length; i += kThreads) sum += decode(x[i]);
    mean = group_sum(sum, 0) / float(n.length);
  }
  for (int32 i = first; i < length; i += kThreads) {
    const float d = decode(x[i]) - mean;
    squares += d * d;
  }
  const float inverse = 1.f / sqrtf(group_sum(squares, 1) / float(n.length) + n.epsilon);
  for (int32 i = first; i < length; i += kThreads) {
    const float scale = to_float(factors<1>(n.scale, channel, i, n.channels).v[0]);
    const float bias = kHasBias ? to_float(factors<1>(n.bias, channel, i, n.channels).v[0]) : 0.f;
    y[i] = finished(decode(x[i]), mean, inverse, scale, bias);
  }
}

#define NORM(name, call)                                                                                 \
  extern "C" __global__ void __launch_bounds__(kBlock) normalization_##name(const __grid_constant__ Norm n) { call; }
NORM(row_1, normalize_row<1>(n))
NORM(long, normalize_long_row(n))
)cuda";

struct Channels {
  FastDivisor groups, pixels;
  int32_t members = 0;
};

/// As the program takes it.
struct Norm {
  const void* x = nullptr;
  void* y = nullptr;
  const void* scale = nullptr;
  const void* bias = nullptr;
  int64_t x_step = 0, y_step = 0;
  uint32_t rows = 0;
  int32_t length = 0;
  float epsilon = 0;
  Channels channels;
};

/// Whether every element of a row has a factor of its own; otherwise every channel has one.
bool is_of_elements(const Problem& p) {
  return p.op == "LayerNormalization" || p.op == "RMSNormalization";
}

int axis_of(const Problem& p) {
  return normalize_axis(p.attrs->get_int("axis", -1), p.inputs[0].shape.rank());
}

/// Groups of channels of one image; 0: rows are not of channels.
int64_t groups_of(const Problem& p) {
  return p.op == "GroupNormalization" ? p.attrs->get_int("num_groups", 1) : p.inputs[0].shape[1];
}

Rows rows_of(const Problem& p) {
  const Shape& shape = p.inputs[0].shape;
  Rows rows;
  if (!is_of_elements(p)) {
    rows.count = shape[0] * groups_of(p);
    rows.length = shape.product(1, shape.rank()) / std::max<int64_t>(1, groups_of(p));
    rows.x_step = rows.y_step = rows.length;
    return rows;
  }
  const int axis = axis_of(p);
  const bool is_last = axis == shape.rank() - 1;
  rows.count = shape.product(0, axis);
  rows.length = shape.product(axis, shape.rank());
  rows.x_step = is_last ? p.inputs[0].ld() : rows.length;
  rows.y_step = is_last ? p.outputs[0].ld() : rows.length;
  return rows;
}

/// -1 where it is free.
int64_t fixed_row(const Problem& p) {
  if (is_of_elements(p)) return fixed_length(p, axis_of(p));
  return fixed_length(p, 1) < 0 ? -1 : rows_of(p).length;
}

RowForm form_of(const Problem& p, const std::string& config) {
  return row_form(config, p.inputs[0].dtype, fixed_row(p));
}

bool takes_integers(const Problem& p) {
  return p.op == "LayerNormalization";
}

class NormalizationKernel : public Kernel {
 public:
  NormalizationKernel(const Problem& p, const std::string& config, PackedView cubin, const Target& target)
      : rows_(rows_of(p)),
        group_(form_of(p, config).group),
        functions_(device_of(target), cubin, "normalization", form_of(p, config)),
        has_bias_(p.op != "RMSNormalization" && p.has_input(2)) {
    norm_.x_step = rows_.x_step;
    norm_.y_step = rows_.y_step;
    norm_.rows = static_cast<uint32_t>(rows_.count);
    norm_.length = static_cast<int32_t>(rows_.length);
    norm_.epsilon = p.attrs->get_float("epsilon", 1e-5F);
    if (!is_of_elements(p) && rows_.count * rows_.length > 0) {
      const Shape& shape = p.inputs[0].shape;
      norm_.channels.groups = fast_divisor(groups_of(p));
      norm_.channels.pixels = fast_divisor(shape.product(2, shape.rank()));
      norm_.channels.members = static_cast<int32_t>(shape[1] / groups_of(p));
    }
    steps_fit_ = rows_.x_step % group_ == 0 && rows_.y_step % group_ == 0;
    for (size_t i = 0; i < p.inputs.size(); ++i) {
      const bool whole = i == 0 || is_of_elements(p);  // factors of channels are loaded one by one
      pack_bytes_.push_back(whole ? pack_bytes(p.inputs[i].dtype) : 1);
    }
    y_pack_bytes_ = pack_bytes(p.outputs[0].dtype);
  }

  void run(const KernelArgs& args) const override {
    Norm norm = norm_;
    norm.x = args.inputs[0];
    norm.y = args.outputs[0];
    norm.scale = args.inputs[1];
    if (has_bias_) norm.bias = args.inputs[2];
    Parameters parameters;
    parameters.add(norm);
    functions_.launch(rows_, steps_fit_ && are_aligned(args), parameters, args.stream);
  }

 private:
  int64_t pack_bytes(DType dtype) const {
    return std::max<int64_t>(1, std::min<int64_t>(16, group_ * static_cast<int64_t>(size_of(dtype))));
  }
  bool are_aligned(const KernelArgs& args) const {
    bool aligned = is_aligned(args.outputs[0], y_pack_bytes_);
    for (size_t i = 0; i < pack_bytes_.size(); ++i) aligned = aligned && is_aligned(args.inputs[i], pack_bytes_[i]);
    return aligned;
  }

  Rows rows_;
  int group_;
  RowFunctions functions_;
  bool has_bias_;
  bool steps_fit_ = false;
  Norm norm_;
  std::vector<int64_t> pack_bytes_;
  int64_t y_pack_bytes_ = 1;
};

class NormalizationTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.normalization"; }
  std::vector<std::string_view> ops() const override {
    return {"LayerNormalization", "RMSNormalization", "GroupNormalization", "InstanceNormalization"};
  }

  bool supports(const Problem& p, const Target&) const override {
    const Shape& shape = p.inputs[0].shape;
    const bool only_y = std::none_of(p.outputs.begin() + 1, p.outputs.end(), [](const auto& d) { return d.present(); });
    if (!only_y || !p.has_input(1) || shape.rank() < (is_of_elements(p) ? 1 : 2)) return false;
    const Encoding x = x_encoding(p, takes_integers(p)), y = y_encoding(p, takes_integers(p));
    if (!is_storable(x) || !is_storable(y) || (!takes_integers(p) && (x.is_integer() || y.is_integer()))) return false;
    const Rows rows = rows_of(p);
    if (rows.count >= INT32_MAX || rows.length >= INT32_MAX) return false;
    const int64_t factors = is_of_elements(p) ? rows.length : shape[1];
    const auto fits = [&](int i) {
      const TensorDesc& d = p.inputs[static_cast<size_t>(i)];
      return is_real(d.dtype) && d.dense() && d.shape.num_elements() == factors;
    };
    const bool rows_apart = !p.inputs[0].dense() || !p.outputs[0].dense();
    return fits(1) && (!p.has_input(2) || fits(2)) && (!rows_apart || accepts_strided_input(p, 0));
  }

  std::vector<std::string> candidates(const Problem& p, const Target& target) const override {
    return row_candidates(p, target, rows_of(p).count, fixed_row(p));
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<NormalizationKernel>(p, config, packed_at(packed, 0), target);
  }

  bool accepts_strided_input(const Problem& p, int input) const override {
    return input == 0 && is_of_elements(p) && axis_of(p) == p.inputs[0].shape.rank() - 1;
  }
  bool accepts_strided_output(const Problem& p, int) const override { return accepts_strided_input(p, 0); }
  bool may_run_in_place(const Problem& p, int input) const override {
    return input == 0 && size_of(p.inputs[0].dtype) == size_of(p.outputs[0].dtype);
  }

 protected:
  Program program(const Problem& p, const std::string& config) const override {
    const RowForm form = form_of(p, config);
    const bool has_bias = p.op != "RMSNormalization" && p.has_input(2);
    std::string text = rows_source(form, x_encoding(p, takes_integers(p)), y_encoding(p, takes_integers(p)));
    text += fmt::format("using scale_t = {};\nusing bias_t = {};\n", type_name(p.inputs[1].dtype),
                        has_bias ? type_name(p.inputs[2].dtype) : "float");
    text += fmt::format("constexpr bool kHasBias = {}, kIsRms = {}, kOfElements = {};\n", has_bias,
                        p.op == "RMSNormalization", is_of_elements(p));
    text += kKernel;
    if (form.group > 1) text += fmt::format("NORM(row_{0}, normalize_row<{0}>(n))\n", form.group);
    return {std::string(name()), text};
  }
};

}  // namespace

const Tactic& normalization_tactic() {
  static const NormalizationTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
