// cuda.pool: MaxPool and AveragePool over one to three spatial dimensions, in both layouts, of any encoding. A thread
// has a group of channels of some neighbouring outputs of a row: it folds each column of their windows once. In NCHW
// every channel is an image of its own.
#include <algorithm>
#include <limits>

#include "kernels/cuda/generated.h"
#include "kernels/cuda/images.h"
#include "kernels/cuda/storage_source.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/walk.h"
#include "ops/fused.h"
#include "ops/spatial.h"

namespace burnish::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kStripForWideWindows = 4;
/// Taps of one window; larger ones are left to others.
constexpr int64_t kMostTaps = 1024;

constexpr std::string_view kKernel = R"cuda(
// One spatial axis; step: elements from one pixel to the next.
struct Axis { int32 in, pad, pad_end; int64 x_step, y_step; };
struct Pool {
  const x_t* x;
  y_t* y;
  uint32 total;
  FastDivisor packs, strips, rows, depths;
  Axis depth, row, column;
  int32 columns_out;
  int64 x_image, y_image;
};

__device__ __forceinline__ bool inside(int32 i, int32 size) { return uint32(i) < uint32(size); }
// Taps of a window from `start` on that fall into [low, high).
template <int K, int kDilation> __device__ __forceinline__ int32 count_taps(int32 start, int32 low, int32 high) {
  int32 n = 0;
#pragma unroll 8
  for (int k = 0; k < K; ++k) n += start + k * kDilation >= low && start + k * kDilation < high ? 1 : 0;
  return n;
}
template <int K, int kDilation> __device__ __forceinline__ int32 count_taps(int32 start, const Axis& axis) {
  const int32 margin = kCountsPadding ? axis.pad : 0;
  return count_taps<K, kDilation>(start, -margin, axis.in + (kCountsPadding ? axis.pad_end : 0));
}

template <int N> __device__ __forceinline__ void pool(const Pool& p) {
  constexpr int kColumns = (kStrip - 1) * kStrideW + (kKernelW - 1) * kDilationW + 1;
  constexpr int kUnroll = kKernelD * kKernelH * kColumns <= 128 ? 128 : 1;
  const uint32 i = blockIdx.x * 128 + threadIdx.x;
  const uint32 strip_index = divide(i, p.packs), pack = i - strip_index * p.packs.divisor;
  const uint32 row_index = divide(strip_index, p.strips), strip = strip_index - row_index * p.strips.divisor;
  const uint32 depth_index = divide(row_index, p.rows), row = row_index - depth_index * p.rows.divisor;
  const uint32 image = divide(depth_index, p.depths), depth = depth_index - image * p.depths.divisor;
  const int32 first = strip * kStrip;  // output
  const int32 d0 = int32(depth) * kStrideD - p.depth.pad, h0 = int32(row) * kStrideH - p.row.pad;
  const int32 w0 = first * kStrideW - p.column.pad;
  const x_t* x = p.x + image * p.x_image + pack * N;
  wait_for_inputs();
  let_next_start();
  if (i >= p.total) return;
  float a[kStrip][N];
#pragma unroll
  for (int s = 0; s < kStrip; ++s) {
#pragma unroll
    for (int e = 0; e < N; ++e) a[s][e] = kInitial;
  }
#pragma unroll kUnroll
  for (int j = 0; j < kColumns; ++j) {
    if (!inside(w0 + j, p.column.in)) continue;
    const x_t* column = x + (w0 + j) * p.column.x_step;
    float folded[N];
#pragma unroll
    for (int e = 0; e < N; ++e) folded[e] = kInitial;
#pragma unroll kUnroll
    for (int kd = 0; kd < kKernelD; ++kd) {
#pragma unroll kUnroll
      for (int kh = 0; kh < kKernelH; ++kh) {
        const int32 d = d0 + kd * kDilationD, h = h0 + kh * kDilationH;
        if (!inside(d, p.depth.in) || !inside(h, p.row.in)) continue;
        const Pack<x_t, N> in = load_pack<N>(column + d * p.depth.x_step + h * p.row.x_step);
#pragma unroll
        for (int e = 0; e < N; ++e) folded[e] = add(folded[e], decode(in.v[e]));
      }
    }
#pragma unroll
    for (int s = 0; s < kStrip; ++s) {
      const int k = j - s * kStrideW;  // of the window of output s
      if (k < 0 || k % kDilationW != 0 || k / kDilationW >= kKernelW) continue;
#pragma unroll
      for (int e = 0; e < N; ++e) a[s][e] = add(a[s][e], folded[e]);
    }
  }
  const int32 area = count_taps<kKernelD, kDilationD>(d0, p.depth) * count_taps<kKernelH, kDilationH>(h0, p.row);
  y_t* y = p.y + image * p.y_image + depth * p.depth.y_step + row * p.row.y_step + pack * N;
#pragma unroll
  for (int s = 0; s < kStrip; ++s) {
    if (first + s >= p.columns_out) break;
    const int32 n = area * count_taps<kKernelW, kDilationW>(w0 + s * kStrideW, p.column);
    Pack<y_t, N> to;
#pragma unroll
    for (int e = 0; e < N; ++e) to.v[e] = encode(n == 0 ? kOfNothing : kIsMax ? a[s][e] : a[s][e] / float(n));
    store_pack(y + (first + s) * p.column.y_step, to);
  }
}

#define POOL(width) \
  extern "C" __global__ void __launch_bounds__(128) pool_##width(const __grid_constant__ Pool p) { pool<width>(p); }
)cuda";

struct Axis {
  int32_t in = 1, pad = 0, pad_end = 0;
  int64_t x_step = 0, y_step = 0;
};

/// As the program takes it.
struct Pool {
  const void* x = nullptr;
  void* y = nullptr;
  uint32_t total = 0;
  FastDivisor packs, strips, rows, depths;
  Axis depth, row, column;
  int32_t columns_out = 1;
  int64_t x_image = 0, y_image = 0;
};

bool is_max(const Problem& p) {
  return p.op == "MaxPool";
}

/// kernel, strides and dilations by three spatial dims; pads as these sizes resolve them.
struct Window {
  Spatial kernel, stride, dilation, pad, pad_end;
};

Window window_of(const Problem& p) {
  ConvGeometry g = conv_geometry_of(*p.attrs, {});
  const size_t n = g.kernel.size();
  resolve_auto_pad(g, auto_pad_of(*p.attrs), p.inputs[0].shape.dims().subspan(is_nhwc(*p.attrs) ? 1 : 2, n));
  const std::span<const int64_t> pads(g.pads);
  return {to_three(g.kernel, 1), to_three(g.strides, 1), to_three(g.dilations, 1), to_three(pads.first(n), 0),
          to_three(pads.last(n), 0)};
}

int group_of(const Problem& p) {
  return is_nhwc(*p.attrs) ? static_cast<int>(16 / std::max<size_t>(2, size_of(p.inputs[0].dtype))) : 1;
}

class PoolKernel : public Kernel {
 public:
  PoolKernel(const Problem& p, const std::string& config, PackedView cubin, const Target& target)
      : x_(images_of(p.inputs[0], is_nhwc(*p.attrs))),
        y_(images_of(p.outputs[0], is_nhwc(*p.attrs))),
        group_(group_of(p)),
        strip_(int_of(config, "strip", 1)),
        x_bytes_(static_cast<int64_t>(size_of(p.inputs[0].dtype))),
        y_bytes_(static_cast<int64_t>(size_of(p.outputs[0].dtype))),
        single_(device_of(target), cubin, "pool_1"),
        grouped_(device_of(target), cubin, fmt::format("pool_{}", group_)) {
    const Window w = window_of(p);
    const auto axis = [&](size_t a) {
      return Axis{static_cast<int32_t>(x_.dims[a]), static_cast<int32_t>(w.pad[a]), static_cast<int32_t>(w.pad_end[a]),
                  x_.steps[a], y_.steps[a]};
    };
    pool_.depth = axis(0);
    pool_.row = axis(1);
    pool_.column = axis(2);
    pool_.columns_out = static_cast<int32_t>(y_.dims[2]);
    pool_.x_image = x_.image_step;
    pool_.y_image = y_.image_step;
    packs_ = group_ > 1 && x_.channels % group_ == 0 && x_.steps[2] % group_ == 0 && y_.steps[2] % group_ == 0;
  }

  void run(const KernelArgs& args) const override {
    const bool grouped = packs_ && is_aligned(args.inputs[0], std::min<int64_t>(16, group_ * x_bytes_)) &&
                         is_aligned(args.outputs[0], std::min<int64_t>(16, group_ * y_bytes_));
    const int64_t width = grouped ? group_ : 1, strips = ceil_div(y_.dims[2], strip_);
    const int64_t per_image = x_.channels / width * strips * y_.dims[1] * y_.dims[0];
    if (per_image * y_.count == 0) return;
    const int64_t images = std::max<int64_t>(1, INT32_MAX / per_image);  // of a launch
    Pool pool = pool_;
    pool.packs = fast_divisor(x_.channels / width);
    pool.strips = fast_divisor(strips);
    pool.rows = fast_divisor(y_.dims[1]);
    pool.depths = fast_divisor(y_.dims[0]);
    for (int64_t first = 0; first < y_.count; first += images) {
      pool.x = static_cast<const char*>(args.inputs[0]) + first * x_.image_step * x_bytes_;
      pool.y = static_cast<char*>(args.outputs[0]) + first * y_.image_step * y_bytes_;
      pool.total = static_cast<uint32_t>(per_image * std::min(images, y_.count - first));
      Parameters parameters;
      parameters.add(pool);
      (grouped ? grouped_ : single_)
          .launch({.grid_x = ceil_div(pool.total, kThreads), .block_x = kThreads}, parameters, args.stream);
    }
  }

 private:
  Images x_, y_;
  int group_, strip_;
  int64_t x_bytes_, y_bytes_;
  Function single_, grouped_;
  Pool pool_;
  bool packs_ = false;
};

class PoolTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.pool"; }
  std::vector<std::string_view> ops() const override { return {"MaxPool", "AveragePool"}; }

  bool supports(const Problem& p, const Target&) const override {
    const int rank = p.inputs[0].shape.rank();
    if ((p.outputs.size() > 1 && p.outputs[1].present()) || rank < 3 || rank > 5) return false;
    const Encoding x = x_encoding(p, !is_max(p)), y = y_encoding(p, !is_max(p));
    if (!is_storable(x) || !is_storable(y)) return false;
    const Window w = window_of(p);
    const Images to = images_of(p.outputs[0], is_nhwc(*p.attrs));
    const auto small = [](const Spatial& s) {
      return std::all_of(s.begin(), s.end(), [](int64_t v) { return v <= INT16_MAX; });
    };
    return small(w.kernel) && small(w.stride) && small(w.dilation) &&
           w.kernel[0] * w.kernel[1] * w.kernel[2] <= kMostTaps &&
           to.channels * to.dims[0] * to.dims[1] * to.dims[2] < INT32_MAX;
  }

  std::vector<std::string> candidates(const Problem& p, const Target& target) const override {
    const auto with = [&](int strip) { return fmt::format("{} strip={}", target.arch(), strip); };
    const Window w = window_of(p);
    const bool overlaps = w.kernel[2] > w.stride[2];
    if (!overlaps) return {with(1)};
    // A window as wide as two steps and more has columns worth sharing.
    if (w.kernel[2] >= 2 * w.stride[2]) return {with(kStripForWideWindows), with(2), with(1)};
    return {with(1), with(2)};
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<PoolKernel>(p, config, packed_at(packed, 0), target);
  }

  bool accepts_strided_input(const Problem&, int) const override { return true; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }

 protected:
  Program program(const Problem& p, const std::string& config) const override {
    const Encoding x = x_encoding(p, !is_max(p)), y = y_encoding(p, !is_max(p));
    const Window w = window_of(p);
    std::string text = fmt::format(
        "using x_t = {};\nusing y_t = {};\nconstexpr int kStrip = {};\nconstexpr bool kIsMax = {}, kCountsPadding = "
        "{};\n",
        type_name(x.dtype), type_name(y.dtype), int_of(config, "strip", 1), is_max(p),
        !is_max(p) && p.attrs->get_int("count_include_pad", 0) != 0);
    const char axes[] = "DHW";
    for (size_t a = 0; a < 3; ++a) {
      text += fmt::format("constexpr int kKernel{0} = {1}, kStride{0} = {2}, kDilation{0} = {3};\n", axes[a],
                          w.kernel[a], w.stride[a], w.dilation[a]);
    }
    text += fmt::format(
        "#define kInitial {}\n#define kOfNothing {}\n"
        "__device__ __forceinline__ float add(float a, float v) {{ return {}; }}\n",
        is_max(p) ? literal_of(-std::numeric_limits<float>::infinity()) : "0.f",
        is_max(p) ? literal_of(std::numeric_limits<float>::lowest()) : "0.f",
        is_max(p) ? "v > a || v != v ? v : a" : "a + v");
    text.append(walk_source()).append(quantized_source());
    text += decode_source("decode", x) + encode_source("encode", y);
    text.append(kKernel).append("POOL(1)\n");
    if (group_of(p) > 1) text += fmt::format("POOL({})\n", group_of(p));
    return {std::string(name()), text};
  }
};

}  // namespace

const Tactic& pool_tactic() {
  static const PoolTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
