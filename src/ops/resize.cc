// Resize is separable: one axis after the other, every output element a weighted sum along the axis.
#include <algorithm>
#include <cmath>

#include "ops/elements.h"
#include "ops/image.h"
#include "ops/infer.h"
#include "ops/spatial.h"
#include "ops/strided.h"

namespace burnish {
namespace {

// --- which axes, which sizes -----------------------------------------------------------------------------------------

/// Axes in the order of the inputs' entries, numbered as in NCHW.
std::vector<int> listed_axes(const AttributeMap& attrs, int rank) {
  if (attrs.has("axes")) return normalize_axes(attrs.get_ints("axes"), rank);
  std::vector<int> all(static_cast<size_t>(rank));
  for (int i = 0; i < rank; ++i) all[static_cast<size_t>(i)] = i;
  return all;
}

/// Where an axis named in NCHW order stands in the tensor.
int own_axis(int axis, int rank, bool nhwc) {
  if (!nhwc || axis == 0) return axis;
  return axis == 1 ? rank - 1 : axis - 1;
}

bool is_crop(const AttributeMap& attrs) {
  return attrs.get_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize";
}

/// floor(in · extent · scale) in single precision, as the scales are given.
int64_t scaled_size(int64_t in, float scale, double extent) {
  const double size = std::floor(extent == 1 ? static_cast<double>(static_cast<float>(in) * scale)
                                             : static_cast<double>(in) * extent * static_cast<double>(scale));
  check(scale > 0 && size >= 0 && size < 9e15, ErrorCode::kInvalidModel, "a dimension of {} cannot be scaled by {}", in,
        scale);
  return static_cast<int64_t>(size);
}

/// The polynomial floor(in·scale) where the scale is a short binary fraction; otherwise a symbol that says so.
Dim scaled_dim(const Dim& in, float scale) {
  if (in.is_constant()) return scaled_size(in.value(), scale, 1);
  for (int64_t denominator = 1; denominator <= 1024; denominator *= 2) {
    const float numerator = scale * static_cast<float>(denominator);
    if (numerator >= 1 && numerator < 1e6F && numerator == std::floor(numerator))
      return floor_div(in * Dim(static_cast<int64_t>(numerator)), Dim(denominator));
  }
  return Dim::symbol(fmt::format("resize({}, {})", to_string(in), scale));
}

/// Output sizes of the listed axes when "sizes" is given.
std::vector<int64_t> fitted_sizes(const AttributeMap& attrs, const std::vector<int64_t>& in,
                                  const std::vector<int64_t>& sizes, double* common_scale) {
  const std::string policy = attrs.get_string("keep_aspect_ratio_policy", "stretch");
  constexpr std::string_view kPolicies[] = {"stretch", "not_larger", "not_smaller"};
  require_choice("keep_aspect_ratio_policy", policy, kPolicies);
  for (int64_t s : sizes) check(s >= 0, ErrorCode::kInvalidModel, "negative size {}", s);
  if (policy == "stretch" || sizes.empty()) return sizes;
  std::vector<double> ratios;
  for (size_t i = 0; i < in.size(); ++i) {
    check(in[i] > 0, ErrorCode::kInvalidModel, "an empty axis has no aspect ratio");
    ratios.push_back(static_cast<double>(sizes[i]) / static_cast<double>(in[i]));
  }
  const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
  *common_scale = policy == "not_larger" ? *low : *high;
  std::vector<int64_t> fitted;
  for (int64_t n : in) {
    const double size = std::floor(*common_scale * static_cast<double>(n) + 0.5);
    check(size < 9e15, ErrorCode::kInvalidModel, "the size of a resized axis overflows");
    fitted.push_back(static_cast<int64_t>(size));
  }
  return fitted;
}

bool has_elements(const InferContext& c, int i) {
  return c.has_input(i) && length_of(c, i) != std::optional<int64_t>(0);
}

std::optional<std::vector<float>> constant_floats(const InferContext& c, int i) {
  const Tensor* t = c.constant(i);
  if (t == nullptr) return std::nullopt;
  std::vector<float> values(static_cast<size_t>(t->num_elements()));
  load_elements<float>(t->view(), values.data());
  return values;
}

bool keeps_aspect(const AttributeMap& attrs) {
  return attrs.get_string("keep_aspect_ratio_policy", "stretch") != "stretch";
}

std::optional<SymShape> symbolic_output(const InferContext& c, const std::vector<int>& axes, bool nhwc) {
  SymShape out = c.shape(0);
  const auto dim = [&](size_t i) -> Dim& { return out[static_cast<size_t>(own_axis(axes[i], c.rank(0), nhwc))]; };
  if (has_elements(c, 3)) {
    const auto sizes = c.dims(3);
    if (!sizes || keeps_aspect(c.attrs())) return std::nullopt;
    check(sizes->size() == axes.size(), ErrorCode::kInvalidModel, "{} sizes for {} axes", sizes->size(), axes.size());
    for (size_t i = 0; i < axes.size(); ++i) dim(i) = (*sizes)[i];
    return out;
  }
  const auto scales = constant_floats(c, 2);
  if (!scales || is_crop(c.attrs())) return std::nullopt;
  check(scales->size() == axes.size(), ErrorCode::kInvalidModel, "{} scales for {} axes", scales->size(), axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    check((*scales)[i] > 0, ErrorCode::kInvalidModel, "the scale {} is not positive", (*scales)[i]);
    dim(i) = scaled_dim(dim(i), (*scales)[i]);
  }
  return out;
}

}  // namespace

std::vector<ResizeAxis> resize_axes(const AttributeMap& attrs, const Shape& in, const TensorView& roi,
                                    const TensorView& scales, const TensorView& sizes) {
  const bool nhwc = is_nhwc(attrs);
  const std::vector<int> axes = listed_axes(attrs, in.rank());
  const size_t n = axes.size();
  std::vector<ResizeAxis> result(n);
  std::vector<int64_t> extents;
  for (size_t i = 0; i < n; ++i) {
    result[i].axis = own_axis(axes[i], in.rank(), nhwc);
    result[i].in = in[result[i].axis];
    extents.push_back(result[i].in);
  }
  if (roi.dtype != DType::kUndefined && is_crop(attrs)) {
    const Source<double> r(roi);
    check(r.size() == static_cast<int64_t>(2 * n), ErrorCode::kInvalidModel, "the roi has {} entries, not {}", r.size(),
          2 * n);
    for (size_t i = 0; i < n; ++i) {
      result[i].roi_start = r[static_cast<int64_t>(i)];
      result[i].roi_end = r[static_cast<int64_t>(n + i)];
    }
  }
  if (sizes.dtype != DType::kUndefined && sizes.num_elements() > 0) {
    const std::vector<int64_t> wanted = ints_of(sizes);
    check(wanted.size() == n, ErrorCode::kInvalidModel, "{} sizes for {} axes", wanted.size(), n);
    double common = 0;
    const std::vector<int64_t> fitted = fitted_sizes(attrs, extents, wanted, &common);
    for (size_t i = 0; i < n; ++i) {
      result[i].out = fitted[i];
      const double own = static_cast<double>(fitted[i]) / static_cast<double>(std::max<int64_t>(extents[i], 1));
      result[i].scale = common > 0 ? common : own;
    }
    return result;
  }
  check(scales.dtype != DType::kUndefined, ErrorCode::kInvalidModel, "neither scales nor sizes are there");
  const Source<float> s(scales);
  check(s.size() == static_cast<int64_t>(n), ErrorCode::kInvalidModel, "{} scales for {} axes", s.size(), n);
  for (size_t i = 0; i < n; ++i) {
    const float scale = s[static_cast<int64_t>(i)];
    result[i].out = scaled_size(extents[i], scale, result[i].roi_end - result[i].roi_start);
    result[i].scale = static_cast<double>(scale);
  }
  return result;
}

void infer_resize(InferContext& c) {
  constexpr std::string_view kModes[] = {"nearest", "linear", "cubic"};
  require_choice("mode", c.attrs().get_string("mode", "nearest"), kModes);
  for (int i = 1; i <= 3; ++i) require_rank(c, i, 1);
  require_real(c, 1);
  require_real(c, 2);
  require_index(c, 3);
  check(has_elements(c, 2) || has_elements(c, 3), ErrorCode::kInvalidModel, "neither scales nor sizes are there");
  const bool nhwc = is_nhwc(c.attrs());
  if (nhwc) require_min_rank(c, 0, 3);
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  const auto in = to_concrete(c.shape(0));
  const auto known = [&](int i) { return !c.has_input(i) || c.constant(i) != nullptr; };
  if (!in || !known(1) || !known(2) || !known(3))
    return c.set_output(0, c.dtype(0), symbolic_output(c, listed_axes(c.attrs(), c.rank(0)), nhwc));
  const auto view = [&](int i) { return c.has_input(i) ? c.constant(i)->view() : TensorView{}; };
  Shape out = *in;
  for (const ResizeAxis& a : resize_axes(c.attrs(), *in, view(1), view(2), view(3))) out[a.axis] = a.out;
  c.set_output(0, c.dtype(0), to_symbolic(out));
}

namespace {

/// [outer, in, inner] → [outer, out, inner].
template <typename T>
std::vector<T> resize_axis(const std::vector<T>& x, int64_t outer, int64_t inner, const ResizeAxis& axis,
                           const std::vector<ResizeRow>& rows, T outside) {
  std::vector<T> y(static_cast<size_t>(outer * axis.out * inner));
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < axis.out; ++i) {
      const ResizeRow& row = rows[static_cast<size_t>(i)];
      T* to = y.data() + (o * axis.out + i) * inner;
      if (row.outside) std::fill_n(to, inner, outside);
      for (const ResizeTap& tap : row.taps) {
        const T* from = x.data() + (o * axis.in + tap.index) * inner;
        const T w = static_cast<T>(tap.weight);
        for (int64_t k = 0; k < inner; ++k) to[k] += w * from[k];
      }
    }
  }
  return y;
}

template <typename T>
void run_resize(EvalContext& c, const std::vector<ResizeAxis>& axes) {
  const TensorView& in = c.input(0);
  std::vector<T> x(static_cast<size_t>(in.num_elements()));
  load_elements<T>(in, x.data());
  Shape shape = in.shape;
  const T outside = static_cast<T>(c.attrs().get_float("extrapolation_value", 0));
  for (const ResizeAxis& a : axes) {
    if (a.in == a.out && a.scale == 1 && a.roi_start == 0 && a.roi_end == 1) continue;
    x = resize_axis<T>(x, shape.product(0, a.axis), shape.product(a.axis + 1, shape.rank()), a,
                       resize_rows(c.attrs(), a), outside);
    shape[a.axis] = a.out;
  }
  store_elements<T>(x.data(), c.output(0));
}

}  // namespace

void evaluate_resize(EvalContext& c) {
  const auto view = [&](int i) { return c.has_input(i) ? c.input(i) : TensorView{}; };
  const auto axes = resize_axes(c.attrs(), c.input(0).shape, view(1), view(2), view(3));
  Shape expected = c.input(0).shape;
  for (const ResizeAxis& a : axes) expected[a.axis] = a.out;
  check(expected == c.output(0).shape, ErrorCode::kInternal, "Resize was inferred as {} but gives {}",
        to_string(c.output(0).shape), to_string(expected));
  if (expected.num_elements() == 0) return;
  with_real(c.input(0).dtype, [&](auto tag) { run_resize<decltype(tag)>(c, axes); });
}

}  // namespace burnish
