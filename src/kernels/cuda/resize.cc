// cuda.resize: Resize of the spatial dims, nearest (any type) and linear (real numbers), in both layouts. Which pixels
// an output is made of is tabulated by axis when prepared.
#include <algorithm>

#include "kernels/cuda/generated.h"
#include "kernels/cuda/images.h"
#include "kernels/cuda/storage_source.h"
#include "kernels/cuda/tactics.h"
#include "kernels/cuda/walk.h"
#include "ops/fused.h"
#include "ops/image.h"

namespace burnish::cuda {
namespace {

constexpr int kThreads = 256;

constexpr std::string_view kKernel = R"cuda(
// The one or two pixels of an axis that an output pixel is made of.
struct alignas(16) Taps { int32 at[2]; float weight[2]; };
struct Axis { const Taps* taps; int64 x_step, y_step; };
struct Resize {
  const char* x;
  char* y;
  uint32 total;
  FastDivisor packs, columns, rows, depths;
  Axis depth, row, column;
  int64 x_image, y_image;
};

struct Place { uint32 pack; Taps depth, row, column; int64 x, y; };
// Where output item i stands, and what it is made of. x and y: its image and channels.
template <int N> __device__ __forceinline__ Place place_of(const Resize& r, uint32 i) {
  const uint32 pixel = divide(i, r.packs), pack = i - pixel * r.packs.divisor;
  const uint32 line = divide(pixel, r.columns), column = pixel - line * r.columns.divisor;
  const uint32 plane = divide(line, r.rows), row = line - plane * r.rows.divisor;
  const uint32 image = divide(plane, r.depths), depth = plane - image * r.depths.divisor;
  Place p;
  p.depth = r.depth.taps[depth];
  p.row = r.row.taps[row];
  p.column = r.column.taps[column];
  p.x = image * r.x_image + pack * N;
  p.y = image * r.y_image + depth * r.depth.y_step + row * r.row.y_step + column * r.column.y_step + pack * N;
  return p;
}

template <typename T, int N> __device__ __forceinline__ void nearest(const Resize& r) {
  const uint32 i = blockIdx.x * 256 + threadIdx.x;
  if (i >= r.total) {
    wait_for_inputs();
    return;
  }
  const Place p = place_of<N>(r, i);
  wait_for_inputs();
  let_next_start();
  const int64 at = p.depth.at[0] * r.depth.x_step + p.row.at[0] * r.row.x_step + p.column.at[0] * r.column.x_step;
  store_pack(reinterpret_cast<T*>(r.y) + p.y, load_pack<N>(reinterpret_cast<const T*>(r.x) + p.x + at));
}

template <typename T, int N> __device__ __forceinline__ void linear(const Resize& r) {
  const uint32 i = blockIdx.x * 256 + threadIdx.x;
  if (i >= r.total) {
    wait_for_inputs();
    return;
  }
  const Place p = place_of<N>(r, i);
  wait_for_inputs();
  let_next_start();
  const T* x = reinterpret_cast<const T*>(r.x) + p.x;
  float sum[N];
#pragma unroll
  for (int e = 0; e < N; ++e) sum[e] = 0.f;
#pragma unroll
  for (int d = 0; d < kDepthTaps; ++d) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
#pragma unroll
      for (int w = 0; w < 2; ++w) {
        const float weight = p.depth.weight[d] * p.row.weight[h] * p.column.weight[w];
        const Pack<T, N> in = load_pack<N>(x + p.depth.at[d] * r.depth.x_step + p.row.at[h] * r.row.x_step +
                                           p.column.at[w] * r.column.x_step);
#pragma unroll
        for (int e = 0; e < N; ++e) sum[e] += weight * to_float(in.v[e]);
      }
    }
  }
  Pack<T, N> to;
#pragma unroll
  for (int e = 0; e < N; ++e) to.v[e] = from_float<T>(sum[e]);
  store_pack(reinterpret_cast<T*>(r.y) + p.y, to);
}

#define RESIZE(method, T, width)                                                                                  \
  extern "C" __global__ void __launch_bounds__(256) resize_##width(const __grid_constant__ Resize r) {            \
    method<T, width>(r);                                                                                          \
  }
)cuda";

/// As the program takes them.
struct Taps {
  int32_t at[2] = {0, 0};
  float weight[2] = {1, 0};
};
struct Axis {
  const void* taps = nullptr;
  int64_t x_step = 0, y_step = 0;
};
struct Resize {
  const void* x = nullptr;
  void* y = nullptr;
  uint32_t total = 0;
  FastDivisor packs, columns, rows, depths;
  Axis depth, row, column;
  int64_t x_image = 0, y_image = 0;
};

bool is_linear(const Problem& p) {
  return p.attrs->get_string("mode", "nearest") == "linear";
}

/// Empty where the scales or sizes are not at hand, or where other than spatial dims change.
std::vector<ResizeAxis> spatial_axes(const Problem& p) {
  const auto view = [&](int i) {
    const auto at = static_cast<size_t>(i);
    return p.has_input(i) && p.constants[at].defined() ? p.constants[at].view() : TensorView{};
  };
  for (int i = 1; i < 4; ++i) {
    if (p.has_input(i) && !p.constants[static_cast<size_t>(i)].defined()) return {};
  }
  const int rank = p.inputs[0].shape.rank(), channel = is_nhwc(*p.attrs) ? rank - 1 : 1;
  std::vector<ResizeAxis> axes = resize_axes(*p.attrs, p.inputs[0].shape, view(1), view(2), view(3));
  std::vector<ResizeAxis> spatial;
  for (const ResizeAxis& a : axes) {
    const bool changes = a.in != a.out || a.scale != 1;
    if (changes && (a.axis == 0 || a.axis == channel)) return {};
    if (changes) spatial.push_back(a);
  }
  return spatial;
}

/// One entry for each output pixel along spatial dimension `a` (0 … 2).
std::vector<Taps> taps_of(const Problem& p, int a, int64_t size) {
  const int rank = p.inputs[0].shape.rank(), first = is_nhwc(*p.attrs) ? 1 : 2;
  const int axis = first + a - (3 - (rank - 2));  // of the tensor; three are counted whatever it has
  std::vector<Taps> taps(static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i) taps[static_cast<size_t>(i)].at[0] = static_cast<int32_t>(i);
  for (const ResizeAxis& resized : spatial_axes(p)) {
    if (resized.axis != axis || axis < first) continue;
    const std::vector<ResizeRow> rows = resize_rows(*p.attrs, resized);
    for (size_t i = 0; i < rows.size(); ++i) {
      for (size_t t = 0; t < rows[i].taps.size(); ++t) {
        taps[i].at[t] = static_cast<int32_t>(rows[i].taps[t].index);
        taps[i].weight[t] = static_cast<float>(rows[i].taps[t].weight);
      }
    }
  }
  return taps;
}

int group_of(const Problem& p) {
  return is_nhwc(*p.attrs) ? static_cast<int>(16 / std::max<size_t>(1, size_of(p.inputs[0].dtype))) : 1;
}

class ResizeKernel : public Kernel {
 public:
  ResizeKernel(const Problem& p, PackedView cubin, const Target& target)
      : x_(images_of(p.inputs[0], is_nhwc(*p.attrs))),
        y_(images_of(p.outputs[0], is_nhwc(*p.attrs))),
        bytes_(static_cast<int64_t>(size_of(p.inputs[0].dtype))),
        group_(group_of(p)),
        single_(device_of(target), cubin, "resize_1"),
        grouped_(device_of(target), cubin, fmt::format("resize_{}", group_)) {
    std::vector<Taps> all;
    std::array<size_t, 3> first{};
    for (int a = 0; a < 3; ++a) {
      first[static_cast<size_t>(a)] = all.size();
      const std::vector<Taps> taps = taps_of(p, a, y_.dims[static_cast<size_t>(a)]);
      all.insert(all.end(), taps.begin(), taps.end());
    }
    upload(all, target);
    const auto axis = [&](size_t a) {
      return Axis{static_cast<const Taps*>(taps_.get()) + first[a], x_.steps[a], y_.steps[a]};
    };
    resize_.depth = axis(0);
    resize_.row = axis(1);
    resize_.column = axis(2);
    resize_.x_image = x_.image_step;
    resize_.y_image = y_.image_step;
    packs_ = group_ > 1 && x_.channels % group_ == 0 && x_.steps[2] % group_ == 0 && y_.steps[2] % group_ == 0;
  }

  void run(const KernelArgs& args) const override {
    const bool grouped = packs_ && is_aligned(args.inputs[0], 16) && is_aligned(args.outputs[0], 16);
    const int64_t packs = x_.channels / (grouped ? group_ : 1);
    const int64_t per_image = packs * y_.dims[0] * y_.dims[1] * y_.dims[2];
    if (per_image * y_.count == 0) return;
    const int64_t images = std::max<int64_t>(1, INT32_MAX / per_image);  // of a launch
    Resize r = resize_;
    r.packs = fast_divisor(packs);
    r.columns = fast_divisor(y_.dims[2]);
    r.rows = fast_divisor(y_.dims[1]);
    r.depths = fast_divisor(y_.dims[0]);
    for (int64_t first = 0; first < y_.count; first += images) {
      r.x = static_cast<const char*>(args.inputs[0]) + first * x_.image_step * bytes_;
      r.y = static_cast<char*>(args.outputs[0]) + first * y_.image_step * bytes_;
      r.total = static_cast<uint32_t>(per_image * std::min(images, y_.count - first));
      Parameters parameters;
      parameters.add(r);
      (grouped ? grouped_ : single_)
          .launch({.grid_x = ceil_div(r.total, kThreads), .block_x = kThreads}, parameters, args.stream);
    }
  }

 private:
  void upload(const std::vector<Taps>& all, const Target& target) {
    const Device& device = device_of(target);
    const Stream stream(device);
    taps_ = device.allocate(all.size() * sizeof(Taps));
    copy_to_device(taps_.get(), all.data(), all.size() * sizeof(Taps), stream.handle());
    stream.synchronize();
  }

  Images x_, y_;
  int64_t bytes_;
  int group_;
  Function single_, grouped_;
  std::shared_ptr<void> taps_;  // Taps of all three dimensions, on the GPU
  Resize resize_;
  bool packs_ = false;
};

class ResizeTactic : public GeneratedTactic {
 public:
  std::string_view name() const override { return "cuda.resize"; }
  std::vector<std::string_view> ops() const override { return {"Resize"}; }

  bool supports(const Problem& p, const Target&) const override {
    const int rank = p.inputs[0].shape.rank();
    const std::string mode = p.attrs->get_string("mode", "nearest");
    const bool crops = p.attrs->get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize";
    if (rank < 3 || rank > 5 || crops || p.attrs->get_int("antialias", 0) != 0) return false;
    if (mode != "nearest" && !(mode == "linear" && is_real(p.inputs[0].dtype))) return false;
    if (size_of(p.inputs[0].dtype) > 8 || spatial_axes(p).empty()) return false;
    const Images y = images_of(p.outputs[0], is_nhwc(*p.attrs));
    return y.channels * y.dims[0] * y.dims[1] * y.dims[2] < INT32_MAX && p.inputs[0].shape.num_elements() > 0;
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return std::make_unique<ResizeKernel>(p, packed_at(packed, 0), target);
  }

  bool accepts_strided_input(const Problem&, int input) const override { return input == 0; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }

 protected:
  Program program(const Problem& p, const std::string&) const override {
    const bool linear = is_linear(p);
    const size_t bytes = size_of(p.inputs[0].dtype);
    const std::string type(linear ? std::string(type_name(p.inputs[0].dtype)) : fmt::format("uint{}", 8 * bytes));
    std::string text = fmt::format("constexpr int kDepthTaps = {};\n", p.inputs[0].shape.rank() > 4 ? 2 : 1);
    text.append(walk_source()).append(kKernel);
    const int group = group_of(p);
    for (const int width : group > 1 ? std::vector{1, group} : std::vector{1}) {
      text += fmt::format("RESIZE({}, {}, {})\n", linear ? "linear" : "nearest", type, width);
    }
    return {std::string(name()), text};
  }
};

}  // namespace

const Tactic& resize_tactic() {
  static const ResizeTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
