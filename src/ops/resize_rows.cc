// From an output index of Resize to input indices and weights.
#include <algorithm>
#include <cmath>

#include "ops/image.h"
#include "ops/infer.h"

namespace burnish {

double cubic_kernel(double x, double a) {
  x = std::fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

namespace {

enum class Coordinates { kHalfPixel, kSymmetric, kPytorch, kAlignCorners, kAsymmetric, kCrop };

Coordinates coordinates_of(const AttributeMap& attrs) {
  const std::string mode = attrs.get_string("coordinate_transformation_mode", "half_pixel");
  if (mode == "half_pixel") return Coordinates::kHalfPixel;
  if (mode == "half_pixel_symmetric") return Coordinates::kSymmetric;
  if (mode == "pytorch_half_pixel") return Coordinates::kPytorch;
  if (mode == "align_corners") return Coordinates::kAlignCorners;
  if (mode == "asymmetric") return Coordinates::kAsymmetric;
  if (mode == "tf_crop_and_resize") return Coordinates::kCrop;
  throw_error(ErrorCode::kInvalidModel, "attribute coordinate_transformation_mode has the unknown value '{}'", mode);
}

/// The position in the input that output position x shows.
double original_position(Coordinates mode, const ResizeAxis& a, double x) {
  const double in = static_cast<double>(a.in);
  const double width = a.scale * in;  // of the output, before rounding
  const double half_pixel = (x + 0.5) / a.scale - 0.5;
  switch (mode) {
    case Coordinates::kHalfPixel:
      return half_pixel;
    case Coordinates::kSymmetric:
      return in / 2 * (1 - static_cast<double>(a.out) / width) + half_pixel;
    case Coordinates::kPytorch:
      return a.out > 1 ? half_pixel : -0.5;
    case Coordinates::kAlignCorners:
      return width == 1 ? 0 : x * (in - 1) / (width - 1);
    case Coordinates::kAsymmetric:
      return x / a.scale;
    case Coordinates::kCrop: {
      const double extent = (a.roi_end - a.roi_start) * (in - 1);
      const double n = static_cast<double>(a.out);
      return a.roi_start * (in - 1) + (a.out <= 1 ? extent / 2 : x * extent / (n - 1));
    }
  }
  return 0;
}

int64_t nearest_index(const std::string& mode, double x) {
  if (mode == "round_prefer_floor") return static_cast<int64_t>(std::ceil(x - 0.5));
  if (mode == "round_prefer_ceil") return static_cast<int64_t>(std::floor(x + 0.5));
  return static_cast<int64_t>(mode == "floor" ? std::floor(x) : std::ceil(x));
}

/// The interpolating kernel: half its width, and its value.
struct Kernel {
  bool cubic = false;
  double a = -0.75;
  double squeeze = 1;  ///< min(scale, 1) with antialias: stretches the kernel when shrinking.
  bool antialias = false;
  double value(double x) const { return cubic ? cubic_kernel(x, a) : std::max(0.0, 1 - std::fabs(x)); }
  double support() const { return cubic ? 2 : 1; }
};

Kernel kernel_of(const AttributeMap& attrs, double scale) {
  Kernel k;
  k.cubic = attrs.get_string("mode", "nearest") == "cubic";
  k.a = static_cast<double>(attrs.get_float("cubic_coeff_a", -0.75F));
  k.antialias = attrs.get_int("antialias", 0) != 0;
  if (k.antialias) k.squeeze = std::min(scale, 1.0);
  return k;
}

/// Taps around x; those outside [0, size) take the edge's element, or fall away.
std::vector<ResizeTap> interpolating_taps(const Kernel& kernel, double x, int64_t size, bool exclude_outside) {
  const double left = std::ceil(x) - 1;
  const double first = std::floor(-kernel.support() / kernel.squeeze) + 1;
  check(first > -1e6, ErrorCode::kUnsupported, "an antialiasing filter of {} elements is not supported", -2 * first);
  std::vector<ResizeTap> taps;
  double sum = 0;
  for (double i = first; i <= 1 - first; ++i) {
    const double at = left + i;
    const bool outside = at < 0 || at >= static_cast<double>(size);
    const double weight = outside && exclude_outside ? 0 : kernel.value((at - x) * kernel.squeeze);
    sum += weight;
    taps.push_back({static_cast<int64_t>(std::clamp(at, 0.0, static_cast<double>(size - 1))), weight});
  }
  if ((exclude_outside || kernel.antialias) && sum != 0)
    for (ResizeTap& t : taps) t.weight /= sum;
  return taps;
}

}  // namespace

std::vector<ResizeRow> resize_rows(const AttributeMap& attrs, const ResizeAxis& a) {
  check(a.in > 0 || a.out == 0, ErrorCode::kInvalidModel, "an empty axis cannot be resized to {}", a.out);
  const Coordinates mode = coordinates_of(attrs);
  const bool nearest = attrs.get_string("mode", "nearest") == "nearest";
  const std::string nearest_mode = attrs.get_string("nearest_mode", "round_prefer_floor");
  constexpr std::string_view kNearestModes[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  require_choice("nearest_mode", nearest_mode, kNearestModes);
  const bool exclude_outside = attrs.get_int("exclude_outside", 0) != 0;
  const Kernel kernel = kernel_of(attrs, a.scale);
  std::vector<ResizeRow> rows(static_cast<size_t>(a.out));
  for (int64_t i = 0; i < a.out; ++i) {
    const double x = original_position(mode, a, static_cast<double>(i));
    check(std::fabs(x) < 1e15, ErrorCode::kInvalidModel, "a resized position overflows");
    ResizeRow& row = rows[static_cast<size_t>(i)];
    row.outside = mode == Coordinates::kCrop && (x < 0 || x > static_cast<double>(a.in - 1));
    if (row.outside) continue;
    if (nearest) {
      row.taps = {{std::clamp<int64_t>(nearest_index(nearest_mode, x), 0, a.in - 1), 1.0}};
    } else {
      row.taps = interpolating_taps(kernel, x, a.in, exclude_outside);
    }
  }
  return rows;
}

}  // namespace burnish
