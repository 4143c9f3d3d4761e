// Pooling of regions of interest: MaxRoiPool (Fast R-CNN, https://arxiv.org/abs/1504.08083) and RoiAlign (Mask R-CNN,
// https://arxiv.org/abs/1703.06870).
#include <algorithm>
#include <cmath>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/pooling.h"

namespace burnish {
namespace {

constexpr double kMaxSamples = 1e4;  // along one axis of one bin

void set_roi_output(InferContext& c, int64_t height, int64_t width) {
  check(height > 0 && width > 0, ErrorCode::kInvalidModel, "the pooled size {}×{} must be positive", height, width);
  if (!c.has_shape(0) || !c.has_shape(1)) return c.set_output(0, c.dtype(0), std::nullopt);
  c.set_output(0, c.dtype(0), SymShape{c.shape(1)[0], c.shape(0)[1], height, width});
}

void check_rois(const InferContext& c, int64_t columns) {
  for (int i : {0, 1}) require_real(c, i);
  require_rank(c, 0, 4);
  require_rank(c, 1, 2);
  if (c.has_shape(1)) require_equal(c.shape(1)[1], Dim(columns), "columns of the rois");
}

int64_t to_index(double x, int64_t low, int64_t high) {
  return std::isnan(x) ? low : static_cast<int64_t>(std::clamp(x, static_cast<double>(low), static_cast<double>(high)));
}

}  // namespace

void infer_max_roi_pool(InferContext& c) {
  check_rois(c, 5);
  const auto size = c.attrs().get_ints("pooled_shape");
  check(size.size() == 2, ErrorCode::kInvalidModel, "attribute pooled_shape must have two entries");
  set_roi_output(c, size[0], size[1]);
}

void evaluate_max_roi_pool(EvalContext& c) {
  const Source<double> x(c.input(0)), rois(c.input(1));
  Sink<double> y(c.output(0));
  const double scale = static_cast<double>(c.attrs().get_float("spatial_scale", 1));
  const int64_t channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  const int64_t rows = y.shape()[2], columns = y.shape()[3];
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t w = i % columns, h = i / columns % rows, channel = i / columns / rows % channels;
    const double* roi = rois.data() + i / columns / rows / channels * 5;
    check(roi[0] >= 0 && roi[0] < static_cast<double>(x.shape()[0]), ErrorCode::kInvalidArgument,
          "a roi names image {}", roi[0]);
    const double left = std::round(roi[1] * scale), top = std::round(roi[2] * scale);
    const double bin_w = std::max(std::round(roi[3] * scale) - left + 1, 1.0) / static_cast<double>(columns);
    const double bin_h = std::max(std::round(roi[4] * scale) - top + 1, 1.0) / static_cast<double>(rows);
    const auto edge = [](double start, double bin, int64_t k) { return start + bin * static_cast<double>(k); };
    const int64_t h0 = to_index(std::floor(edge(top, bin_h, h)), 0, height);
    const int64_t h1 = to_index(std::ceil(edge(top, bin_h, h + 1)), 0, height);
    const int64_t w0 = to_index(std::floor(edge(left, bin_w, w)), 0, width);
    const int64_t w1 = to_index(std::ceil(edge(left, bin_w, w + 1)), 0, width);
    const double* plane = x.data() + (static_cast<int64_t>(roi[0]) * channels + channel) * height * width;
    double best = h0 < h1 && w0 < w1 ? plane[h0 * width + w0] : 0;
    for (int64_t r = h0; r < h1; ++r)
      for (int64_t s = w0; s < w1; ++s) best = std::max(best, plane[r * width + s]);
    y[i] = best;
  }
  y.commit();
}

void infer_roi_align(InferContext& c) {
  check_rois(c, 4);
  require_rank(c, 2, 1);
  require_index(c, 2);
  if (c.has_shape(1) && c.has_shape(2)) require_equal(c.shape(1)[0], c.shape(2)[0], "one batch index for each roi");
  constexpr std::string_view kModes[] = {"avg", "max"};
  require_choice("mode", c.attrs().get_string("mode", "avg"), kModes);
  constexpr std::string_view kCoordinates[] = {"half_pixel", "output_half_pixel"};
  require_choice("coordinate_transformation_mode", c.attrs().get_string("coordinate_transformation_mode", "half_pixel"),
                 kCoordinates);
  set_roi_output(c, c.attrs().get_int("output_height", 1), c.attrs().get_int("output_width", 1));
}

namespace {

/// One region along one axis.
struct Bins {
  double start, bin;
  int64_t samples;
  double position(int64_t k, int64_t i) const {
    return start + static_cast<double>(k) * bin + (static_cast<double>(i) + 0.5) * bin / static_cast<double>(samples);
  }
};

Bins bins_of(double begin, double end, double scale, bool half_pixel, int64_t count, int64_t sampling_ratio) {
  const double offset = half_pixel ? 0.5 : 0;
  const double start = begin * scale - offset;
  double length = end * scale - offset - start;
  if (!half_pixel) length = std::max(length, 1.0);
  const double bin = length / static_cast<double>(count);
  const double samples = sampling_ratio > 0 ? static_cast<double>(sampling_ratio) : std::ceil(bin);
  check(std::isfinite(start) && std::isfinite(bin) && samples < kMaxSamples, ErrorCode::kInvalidArgument,
        "a roi from {} to {} is too large", begin, end);
  return {start, bin, static_cast<int64_t>(std::max(samples, 0.0))};
}

/// The four neighbours of a position, weighted.
struct Corners {
  int64_t at[4] = {};
  double weight[4] = {};
};

Corners corners_of(double y, double x, int64_t height, int64_t width) {
  Corners corners;
  const double h = static_cast<double>(height), w = static_cast<double>(width);
  if (!(y >= -1 && y <= h && x >= -1 && x <= w)) return corners;
  y = std::clamp(y, 0.0, h - 1);
  x = std::clamp(x, 0.0, w - 1);
  const auto y0 = static_cast<int64_t>(y), x0 = static_cast<int64_t>(x);
  const int64_t y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
  const double ly = y - static_cast<double>(y0), lx = x - static_cast<double>(x0);
  return {{y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1},
          {(1 - ly) * (1 - lx), (1 - ly) * lx, ly * (1 - lx), ly * lx}};
}

/// Average of the samples of one bin, or the largest weighted corner.
double pool_bin(const double* plane, int64_t height, int64_t width, const Bins& v, const Bins& h, int64_t row,
                int64_t column, bool average) {
  double sum = 0;
  double best = 0;
  bool first = true;
  for (int64_t i = 0; i < v.samples; ++i)
    for (int64_t j = 0; j < h.samples; ++j) {
      const Corners c = corners_of(v.position(row, i), h.position(column, j), height, width);
      for (int k = 0; k < 4; ++k) {
        const double value = c.weight[k] * plane[c.at[k]];
        sum += value;
        best = first ? value : std::max(best, value);
        first = false;
      }
    }
  return average ? sum / static_cast<double>(std::max<int64_t>(v.samples * h.samples, 1)) : best;
}

}  // namespace

void evaluate_roi_align(EvalContext& c) {
  const Source<double> x(c.input(0)), rois(c.input(1));
  const std::vector<int64_t> images = ints_of(c.input(2));
  Sink<double> y(c.output(0));
  const double scale = static_cast<double>(c.attrs().get_float("spatial_scale", 1));
  const int64_t ratio = c.attrs().get_int("sampling_ratio", 0);
  const bool half_pixel = c.attrs().get_string("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const bool average = c.attrs().get_string("mode", "avg") == "avg";
  const int64_t channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  const int64_t rows = y.shape()[2], columns = y.shape()[3];
  check(height > 0 && width > 0, ErrorCode::kInvalidArgument, "the image is empty");
  int64_t at = 0;
  for (int64_t r = 0; r < y.shape()[0]; ++r) {
    const int64_t image = images[static_cast<size_t>(r)];
    check(image >= 0 && image < x.shape()[0], ErrorCode::kInvalidArgument, "a roi names image {}", image);
    const double* roi = rois.data() + r * 4;
    const Bins h = bins_of(roi[0], roi[2], scale, half_pixel, columns, ratio);
    const Bins v = bins_of(roi[1], roi[3], scale, half_pixel, rows, ratio);
    for (int64_t k = 0; k < channels; ++k)
      for (int64_t i = 0; i < rows * columns; ++i)
        y[at++] = pool_bin(x.data() + (image * channels + k) * height * width, height, width, v, h, i / columns,
                           i % columns, average);
  }
  y.commit();
}

}  // namespace burnish
