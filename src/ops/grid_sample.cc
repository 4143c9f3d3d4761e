// GridSample and AffineGrid: spatial transformer networks, https://arxiv.org/abs/1506.02025.
#include <algorithm>
#include <cmath>

#include "ops/elements.h"
#include "ops/image.h"
#include "ops/infer.h"

namespace burnish {
namespace {

enum class Padding { kZeros, kBorder, kReflection };
enum class Mode { kNearest, kLinear, kCubic };

struct Sampling {
  Padding padding = Padding::kZeros;
  Mode mode = Mode::kLinear;
  bool align_corners = false;
};

Sampling sampling_of(const AttributeMap& attrs) {
  const std::string padding = attrs.get_string("padding_mode", "zeros");
  const std::string mode = attrs.get_string("mode", "linear");
  constexpr std::string_view kPaddings[] = {"zeros", "border", "reflection"};
  constexpr std::string_view kModes[] = {"nearest", "linear", "cubic", "bilinear", "bicubic"};
  require_choice("padding_mode", padding, kPaddings);
  require_choice("mode", mode, kModes);
  Sampling s;
  s.padding = padding == "zeros" ? Padding::kZeros : padding == "border" ? Padding::kBorder : Padding::kReflection;
  s.mode = mode == "nearest" ? Mode::kNearest : mode.ends_with("linear") ? Mode::kLinear : Mode::kCubic;
  s.align_corners = attrs.get_int("align_corners", 0) != 0;
  return s;
}

/// Folds x into [low, high] as between two mirrors.
double reflect(double x, double low, double high) {
  const double range = high - low;
  if (range <= 0) return low;
  const double distance = x < low ? low - x : x > high ? x - high : 0;
  if (distance == 0) return x;
  const double rest = std::fmod(distance, 2 * range);
  const double inwards = rest <= range ? rest : 2 * range - rest;
  return x < low ? low + inwards : high - inwards;
}

/// Input positions and weights along one dim. Index −1 stands for a zero outside.
struct Taps {
  int count = 0;
  int64_t index[4] = {};
  double weight[4] = {};
};

int64_t pixel_index(const Sampling& s, double i, int64_t size) {
  const double last = static_cast<double>(size - 1);
  if (i >= 0 && i <= last) return static_cast<int64_t>(i);
  if (s.padding == Padding::kZeros) return -1;
  if (s.padding == Padding::kReflection)
    i = s.align_corners ? reflect(i, 0, last) : reflect(i, -0.5, static_cast<double>(size) - 0.5);
  return static_cast<int64_t>(std::clamp(i, 0.0, last));
}

Taps taps_of(const Sampling& s, double normalized, int64_t size) {
  const double n = static_cast<double>(size);
  double x = s.align_corners ? (normalized + 1) / 2 * (n - 1) : ((normalized + 1) * n - 1) / 2;
  if (!(std::fabs(x) < 1e9)) x = -100;  // far outside
  if (s.mode == Mode::kNearest) x = std::nearbyint(x);
  const double low = s.align_corners ? 0 : -0.5;
  const double high = s.align_corners ? n - 1 : n - 0.5;
  if (x < low || x > high) {
    if (s.padding == Padding::kBorder) x = std::clamp(x, 0.0, n - 1);
    if (s.padding == Padding::kReflection) x = reflect(x, low, high);
  }
  if (s.mode == Mode::kNearest) return {1, {pixel_index(s, std::trunc(x), size)}, {1}};
  Taps taps;
  taps.count = s.mode == Mode::kLinear ? 2 : 4;
  const double first = std::floor(x) - (s.mode == Mode::kLinear ? 0 : 1);
  for (int i = 0; i < taps.count; ++i) {
    const double at = first + i;
    taps.index[i] = pixel_index(s, at, size);
    taps.weight[i] = s.mode == Mode::kLinear ? 1 - std::fabs(at - x) : cubic_kernel(at - x, -0.75);
  }
  return taps;
}

/// Σ over the tensor product of the dims' taps.
double sample(const double* plane, const Shape& dims, const std::vector<Taps>& taps, size_t dim, int64_t offset) {
  if (dim == taps.size()) return plane[offset];
  double sum = 0;
  for (int i = 0; i < taps[dim].count; ++i) {
    const int64_t index = taps[dim].index[i];
    if (index < 0) continue;
    sum += taps[dim].weight[i] * sample(plane, dims, taps, dim + 1, offset * dims[static_cast<int>(dim) + 2] + index);
  }
  return sum;
}

}  // namespace

void infer_grid_sample(InferContext& c) {
  require_real(c, 1);
  sampling_of(c.attrs());
  if (!c.has_shape(0) || !c.has_shape(1)) return c.set_output(0, c.dtype(0), std::nullopt);
  const SymShape &x = c.shape(0), &grid = c.shape(1);
  require_min_rank(c, 0, 3);
  require_rank(c, 1, c.rank(0));
  require_equal(x[0], grid[0], "batches of X and grid");
  require_equal(grid.back(), Dim(c.rank(0) - 2), "the grid's last dimension");
  SymShape out{x[0], x[1]};
  out.insert(out.end(), grid.begin() + 1, grid.end() - 1);
  c.set_output(0, c.dtype(0), std::move(out));
}

void evaluate_grid_sample(EvalContext& c) {
  const Source<double> x(c.input(0)), grid(c.input(1));
  Sink<double> y(c.output(0));
  const Sampling s = sampling_of(c.attrs());
  const Shape& in = x.shape();
  const int dims = in.rank() - 2;
  const int64_t channels = in[1], in_pixels = in.product(2, in.rank());
  const int64_t out_pixels = y.shape().product(2, y.shape().rank());
  check(in_pixels > 0 || y.size() == 0, ErrorCode::kInvalidArgument, "the image is empty");
  std::vector<Taps> taps(static_cast<size_t>(dims));
  for (int64_t n = 0; n < in[0]; ++n) {
    for (int64_t p = 0; p < out_pixels; ++p) {
      const double* position = grid.data() + (n * out_pixels + p) * dims;
      // The grid names the innermost dim first.
      for (int d = 0; d < dims; ++d) taps[static_cast<size_t>(d)] = taps_of(s, position[dims - 1 - d], in[d + 2]);
      for (int64_t k = 0; k < channels; ++k)
        y[(n * channels + k) * out_pixels + p] = sample(x.data() + (n * channels + k) * in_pixels, in, taps, 0, 0);
    }
  }
  y.commit();
}

void infer_affine_grid(InferContext& c) {
  require_real(c, 0);
  require_rank(c, 0, 3);
  require_rank(c, 1, 1);
  const auto size = c.dims(1);
  if (!size) return c.set_output(0, c.dtype(0), std::nullopt);
  const auto dims = static_cast<int64_t>(size->size()) - 2;
  check(dims == 2 || dims == 3, ErrorCode::kInvalidModel, "size has {} entries, not 4 or 5", dims + 2);
  for (const Dim& d : *size)
    check(!d.is_constant() || d.value() > 0, ErrorCode::kInvalidModel, "the size {} is not positive", to_string(d));
  if (c.has_shape(0)) {
    require_equal(c.shape(0)[0], size->front(), "batches of theta and size");
    require_equal(c.shape(0)[1], Dim(dims), "rows of theta");
    require_equal(c.shape(0)[2], Dim(dims + 1), "columns of theta");
  }
  SymShape out{size->front()};
  out.insert(out.end(), size->begin() + 2, size->end());
  out.push_back(dims);
  c.set_output(0, c.dtype(0), std::move(out));
}

void evaluate_affine_grid(EvalContext& c) {
  const Source<double> theta(c.input(0));
  Sink<double> y(c.output(0));
  const bool align = c.attrs().get_int("align_corners", 0) != 0;
  const Shape& shape = y.shape();
  const int dims = shape.rank() - 2;
  const int64_t pixels = shape.product(1, shape.rank() - 1);
  for (int64_t i = 0; i < shape[0] * pixels; ++i) {
    double position[4] = {0, 0, 0, 0};  // innermost dim first, then 1
    int64_t rest = i % pixels;
    for (int d = 0; d < dims; ++d) {
      const int64_t size = shape[dims - d];
      const double k = static_cast<double>(rest % size), n = static_cast<double>(size);
      rest /= size;
      position[d] = align ? (size > 1 ? -1 + 2 * k / (n - 1) : 0) : (2 * k + 1) / n - 1;
    }
    position[dims] = 1;
    const double* matrix = theta.data() + i / pixels * dims * (dims + 1);
    for (int r = 0; r < dims; ++r) {
      double sum = 0;
      for (int k = 0; k <= dims; ++k) sum += matrix[r * (dims + 1) + k] * position[k];
      y[i * dims + r] = sum;
    }
  }
  y.commit();
}

}  // namespace burnish
