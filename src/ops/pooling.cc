#include "ops/pooling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/elements.h"
#include "ops/encoding.h"
#include "ops/infer.h"
#include "ops/spatial.h"

namespace burnish {
namespace {

// --- inference -------------------------------------------------------------------------------------------------------

void infer_pool(InferContext& c) {
  const bool nhwc = is_nhwc(c.attrs());
  const ConvGeometry g = conv_geometry_of(c.attrs(), {});
  for (size_t i = 0; i < g.pads.size(); ++i) {
    const size_t axis = i % g.kernel.size();
    check(g.pads[i] < window_extent(g.kernel[axis], g.dilations[axis]), ErrorCode::kInvalidModel,
          "the pad {} leaves windows without any input", g.pads[i]);
  }
  check(!nhwc || c.num_outputs() == 1, ErrorCode::kUnsupported, "indices exist for NCHW only");
  if (!check_image(c)) {
    c.set_output(1, DType::kInt64, std::nullopt);
    return c.set_output(0, c.dtype(0), std::nullopt);
  }
  const SymShape& in = c.shape(0);
  const SymShape spatial =
      window_output(spatial_of(in, nhwc), g, auto_pad_of(c.attrs()), c.attrs().get_int("ceil_mode", 0) != 0);
  const SymShape out = image_shape(in[0], nhwc ? in.back() : in[1], spatial, nhwc);
  c.set_output(0, c.dtype(0), out);
  c.set_output(1, DType::kInt64, out);
}

void infer_real_pool(InferContext& c) {
  require_real(c, 0);
  infer_pool(c);
}

/// Y's shape is what was inferred for it, its type what the attributes say.
void retype(InferContext& c, DType dtype) {
  c.set_output(0, dtype, c.outputs()[0].shape);
}

void infer_average_pool(InferContext& c) {
  const DType y = infer_encoded_like(c);
  infer_pool(c);
  retype(c, y);
}

void infer_lp_pool(InferContext& c) {
  check(c.attrs().get_int("p", 2) > 0, ErrorCode::kInvalidModel, "attribute p must be positive");
  infer_real_pool(c);
}

void infer_global(InferContext& c) {
  check(c.attrs().get_int("p", 2) > 0, ErrorCode::kInvalidModel, "attribute p must be positive");
  const bool nhwc = is_nhwc(c.attrs());
  require_min_rank(c, 0, 2);
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  SymShape out = c.shape(0);
  const size_t first = nhwc ? 1 : 2;
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(first),
            out.begin() + static_cast<std::ptrdiff_t>(first + out.size() - 2), Dim(1));
  c.set_output(0, c.dtype(0), std::move(out));
}

void infer_global_pool(InferContext& c) {
  require_real(c, 0);
  infer_global(c);
}

void infer_global_average_pool(InferContext& c) {
  const DType y = infer_encoded_like(c);
  infer_global(c);
  retype(c, y);
}

// --- windows ---------------------------------------------------------------------------------------------------------

/// Everything a window needs, spatial dims brought to three.
struct PoolSizes {
  ImageLayout in, out;
  Spatial kernel, stride, dilation, pad, pad_end;
};

PoolSizes pool_sizes(const AttributeMap& attrs, const Shape& x, const Shape& y) {
  const bool nhwc = is_nhwc(attrs);
  ConvGeometry g = conv_geometry_of(attrs, {});
  resolve_auto_pad(g, auto_pad_of(attrs), x.dims().subspan(nhwc ? 1 : 2, g.kernel.size()));
  const std::span<const int64_t> pads(g.pads);
  return {image_layout(x, nhwc),
          image_layout(y, nhwc),
          to_three(g.kernel, 1),
          to_three(g.strides, 1),
          to_three(g.dilations, 1),
          to_three(pads.first(g.kernel.size()), 0),
          to_three(pads.last(g.kernel.size()), 0)};
}

/// Kernel positions [begin, end) of the window at output position o that fall into [0, size).
OutputRange taps(const PoolSizes& s, size_t axis, int64_t o, int64_t low, int64_t high) {
  const int64_t start = o * s.stride[axis] - s.pad[axis];
  return inside(s.kernel[axis], s.dilation[axis], start - low, high - low);
}

/// Calls f(pixel index) for every input pixel under the window at output position o.
template <typename F>
void for_window(const PoolSizes& s, const Spatial& o, F&& f) {
  OutputRange r[3];
  Spatial start;
  for (size_t a = 0; a < 3; ++a) {
    r[a] = taps(s, a, o[a], 0, s.in.dims[a]);
    start[a] = o[a] * s.stride[a] - s.pad[a];
  }
  for (int64_t d = r[0].begin; d < r[0].end; ++d)
    for (int64_t h = r[1].begin; h < r[1].end; ++h)
      for (int64_t w = r[2].begin; w < r[2].end; ++w)
        f(((start[0] + d * s.dilation[0]) * s.in.dims[1] + start[1] + h * s.dilation[1]) * s.in.dims[2] + start[2] +
          w * s.dilation[2]);
}

/// Kernel positions within the input and its padding.
int64_t padded_count(const PoolSizes& s, const Spatial& o) {
  int64_t count = 1;
  for (size_t a = 0; a < 3; ++a) {
    const OutputRange r = taps(s, a, o[a], -s.pad[a], s.in.dims[a] + s.pad_end[a]);
    count *= r.end - r.begin;
  }
  return count;
}

/// Calls f(o, input plane offset, output offset) for every output element.
template <typename F>
void for_outputs(const PoolSizes& s, F&& f) {
  if (s.out.channels == 0 || s.out.num_pixels() == 0) return;
  for (int64_t n = 0; n < s.out.batch; ++n)
    for (int64_t c = 0; c < s.out.channels; ++c) {
      int64_t to = n * s.out.batch_stride + c * s.out.channel_stride;
      const int64_t from = n * s.in.batch_stride + c * s.in.channel_stride;
      Spatial o;
      for (o[0] = 0; o[0] < s.out.dims[0]; ++o[0])
        for (o[1] = 0; o[1] < s.out.dims[1]; ++o[1])
          for (o[2] = 0; o[2] < s.out.dims[2]; ++o[2], to += s.out.pixel_stride) f(o, from, to);
    }
}

// --- MaxPool ---------------------------------------------------------------------------------------------------------

/// The position of a pixel within its plane when the last dim is counted slowest.
int64_t column_major(const Spatial& dims, int64_t pixel) {
  const int64_t w = pixel % dims[2];
  const int64_t h = pixel / dims[2] % dims[1];
  const int64_t d = pixel / dims[2] / dims[1];
  return d + dims[0] * (h + dims[1] * w);
}

template <typename T>
void run_max_pool(EvalContext& c) {
  const Source<T> x(c.input(0));
  Sink<T> y(c.output(0));
  const PoolSizes s = pool_sizes(c.attrs(), x.shape(), y.shape());
  int64_t* indices = c.wants_output(1) ? c.output(1).as<int64_t>() : nullptr;
  const bool columns = c.attrs().get_int("storage_order", 0) != 0;
  for_outputs(s, [&](const Spatial& o, int64_t from, int64_t to) {
    T best = std::numeric_limits<T>::lowest();
    int64_t at = -1;
    for_window(s, o, [&](int64_t pixel) {
      const T v = x[from + pixel * s.in.pixel_stride];
      if (at < 0 || v > best || std::isnan(v)) {
        best = v;
        at = pixel;
      }
    });
    y[to] = best;
    if (indices != nullptr) indices[to] = at < 0 ? 0 : from + (columns ? column_major(s.in.dims, at) : at);
  });
  y.commit();
}

void evaluate_max_pool(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run_max_pool<decltype(tag)>(c); });
}

// --- AveragePool, LpPool ---------------------------------------------------------------------------------------------

template <typename T>
void run_average_pool(EvalContext& c) {
  const Source<T> x(c.input(0));
  Sink<T> y(c.output(0));
  const PoolSizes s = pool_sizes(c.attrs(), x.shape(), y.shape());
  const bool include_pad = c.attrs().get_int("count_include_pad", 0) != 0;
  for_outputs(s, [&](const Spatial& o, int64_t from, int64_t to) {
    T sum = 0;
    int64_t count = 0;
    for_window(s, o, [&](int64_t pixel) {
      sum += x[from + pixel * s.in.pixel_stride];
      ++count;
    });
    if (include_pad) count = padded_count(s, o);
    y[to] = count > 0 ? sum / static_cast<T>(count) : T{};
  });
  y.commit();
}

void evaluate_average_pool(EvalContext& c) {
  evaluate_decoded_like(c, [](EvalContext& inner) {
    with_real(inner.input(0).dtype, [&](auto tag) { run_average_pool<decltype(tag)>(inner); });
  });
}

template <typename T>
T power(T x, int64_t p) {
  const T a = std::abs(x);
  return p == 1 ? a : p == 2 ? a * a : std::pow(a, static_cast<T>(p));
}

template <typename T>
T root(T x, int64_t p) {
  return p == 1 ? x : p == 2 ? std::sqrt(x) : std::pow(x, T{1} / static_cast<T>(p));
}

template <typename T>
void run_lp_pool(EvalContext& c) {
  const Source<T> x(c.input(0));
  Sink<T> y(c.output(0));
  const PoolSizes s = pool_sizes(c.attrs(), x.shape(), y.shape());
  const int64_t p = c.attrs().get_int("p", 2);
  for_outputs(s, [&](const Spatial& o, int64_t from, int64_t to) {
    T sum = 0;
    for_window(s, o, [&](int64_t pixel) { sum += power(x[from + pixel * s.in.pixel_stride], p); });
    y[to] = root(sum, p);
  });
  y.commit();
}

void evaluate_lp_pool(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run_lp_pool<decltype(tag)>(c); });
}

// --- global poolings -------------------------------------------------------------------------------------------------

enum class Global { kAverage, kMax, kLp };

/// Reduces one plane. The sum is a double: a plane may have many pixels.
template <Global kind, typename T>
T reduce_plane(const T* plane, int64_t count, int64_t stride, int64_t p) {
  double sum = 0;
  T best = count > 0 ? plane[0] : T{};
  for (int64_t i = 0; i < count; ++i) {
    const T v = plane[i * stride];
    if constexpr (kind == Global::kAverage) sum += v;
    if constexpr (kind == Global::kLp) sum += power<double>(v, p);
    if constexpr (kind == Global::kMax) best = v > best || std::isnan(v) ? v : best;
  }
  if constexpr (kind == Global::kMax) return best;
  if constexpr (kind == Global::kLp) return static_cast<T>(root(sum, p));
  return static_cast<T>(sum / static_cast<double>(count));
}

template <Global kind>
void evaluate_global_pool(EvalContext& c) {
  const int64_t p = c.attrs().get_int("p", 2);
  const Shape& shape = c.input(0).shape;
  const bool nhwc = is_nhwc(c.attrs());
  const int64_t batch = shape[0];
  const int64_t channels = nhwc ? shape.back() : shape[1];
  const int64_t pixels = nhwc ? shape.product(1, shape.rank() - 1) : shape.product(2, shape.rank());
  with_real(c.input(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    const Source<T> x(c.input(0));
    Sink<T> y(c.output(0));
    for (int64_t i = 0; i < batch * channels; ++i) {
      const int64_t from = nhwc ? i / channels * channels * pixels + i % channels : i * pixels;
      y[i] = reduce_plane<kind>(x.data() + from, pixels, nhwc ? channels : 1, p);
    }
    y.commit();
  });
}

void evaluate_global_average_pool(EvalContext& c) {
  evaluate_decoded_like(c, evaluate_global_pool<Global::kAverage>);
}

constexpr OpDescriptor kOps[] = {
    {"MaxPool", 1, 1, 1, 2, infer_pool, evaluate_max_pool},
    {"AveragePool", 1, 1, 1, 1, infer_average_pool, evaluate_average_pool},
    {"LpPool", 1, 1, 1, 1, infer_lp_pool, evaluate_lp_pool},
    {"GlobalAveragePool", 1, 1, 1, 1, infer_global_average_pool, evaluate_global_average_pool},
    {"GlobalMaxPool", 1, 1, 1, 1, infer_global_pool, evaluate_global_pool<Global::kMax>},
    {"GlobalLpPool", 1, 1, 1, 1, infer_global_pool, evaluate_global_pool<Global::kLp>},
    {"MaxUnpool", 2, 3, 1, 1, infer_max_unpool, evaluate_max_unpool},
    {"MaxRoiPool", 2, 2, 1, 1, infer_max_roi_pool, evaluate_max_roi_pool},
    {"RoiAlign", 3, 3, 1, 1, infer_roi_align, evaluate_roi_align},
};

}  // namespace

std::span<const OpDescriptor> pooling_ops() {
  return kOps;
}

}  // namespace burnish
