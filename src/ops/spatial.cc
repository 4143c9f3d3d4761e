#include "ops/spatial.h"

#include <algorithm>

#include "base/checked.h"

namespace burnish {

AutoPad auto_pad_of(const AttributeMap& attrs) {
  const std::string mode = attrs.get_string("auto_pad", "NOTSET");
  if (mode == "NOTSET" || mode.empty()) return AutoPad::kNotSet;
  if (mode == "SAME_UPPER") return AutoPad::kSameUpper;
  if (mode == "SAME_LOWER") return AutoPad::kSameLower;
  if (mode == "VALID") return AutoPad::kValid;
  throw_error(ErrorCode::kInvalidModel, "attribute auto_pad has the unknown value '{}'", mode);
}

namespace {

Dim window_count(const Dim& in, int64_t extent, int64_t stride, int64_t begin, int64_t end, bool ceil_mode) {
  const Dim before_end = in + Dim(begin);
  if (!ceil_mode) return floor_div(before_end + Dim(end - extent), Dim(stride)) + Dim(1);
  // No window starts behind the input.
  return ceil_div(before_end + Dim(std::min<int64_t>(0, end - extent + stride)), Dim(stride));
}

}  // namespace

SymShape window_output(std::span<const Dim> in, const ConvGeometry& g, AutoPad auto_pad, bool ceil_mode) {
  check(g.kernel.size() == in.size(), ErrorCode::kInvalidModel, "a kernel of {} dims over {} spatial dims",
        g.kernel.size(), in.size());
  const bool same = auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower;
  const bool padded = auto_pad == AutoPad::kNotSet;
  SymShape out;
  for (size_t i = 0; i < in.size(); ++i) {
    const int64_t extent = window_extent(g.kernel[i], g.dilations[i]);
    const int64_t begin = padded ? g.pads[i] : 0;
    const int64_t end = padded ? g.pads[in.size() + i] : 0;
    out.push_back(same ? ceil_div(in[i], Dim(g.strides[i]))
                       : window_count(in[i], extent, g.strides[i], begin, end, ceil_mode));
    check(!out.back().is_constant() || out.back().value() >= 0, ErrorCode::kInvalidModel,
          "a window of {} does not fit into {} with pads {} and {}", extent, to_string(in[i]), begin, end);
  }
  return out;
}

void resolve_auto_pad(ConvGeometry& g, AutoPad auto_pad, std::span<const int64_t> in) {
  if (auto_pad == AutoPad::kNotSet) return;
  for (size_t i = 0; i < in.size(); ++i) {
    const int64_t extent = window_extent(g.kernel[i], g.dilations[i]);
    const int64_t out = in[i] == 0 ? 0 : (in[i] - 1) / g.strides[i] + 1;
    const int64_t total =
        auto_pad == AutoPad::kValid || out == 0 ? 0 : std::max<int64_t>(0, (out - 1) * g.strides[i] + extent - in[i]);
    const int64_t less = total / 2;
    g.pads[i] = auto_pad == AutoPad::kSameLower ? total - less : less;
    g.pads[in.size() + i] = total - g.pads[i];
  }
}

Spatial to_three(std::span<const int64_t> values, int64_t fill) {
  Spatial three{fill, fill, fill};
  check(values.size() <= three.size(), ErrorCode::kUnsupported, "{} spatial dims are not supported", values.size());
  std::copy(values.begin(), values.end(), three.end() - static_cast<std::ptrdiff_t>(values.size()));
  return three;
}

ImageLayout image_layout(const Shape& shape, bool nhwc) {
  ImageLayout l;
  const int rank = shape.rank();
  check(rank >= 2, ErrorCode::kInvalidModel, "{} has no batch and channels", to_string(shape));
  l.batch = shape[0];
  l.channels = nhwc ? shape.back() : shape[1];
  l.dims = to_three(shape.dims().subspan(nhwc ? 1 : 2, static_cast<size_t>(rank - 2)), 1);
  l.channel_stride = nhwc ? 1 : l.num_pixels();
  l.pixel_stride = nhwc ? l.channels : 1;
  l.batch_stride = l.channels * l.num_pixels();
  return l;
}

bool check_image(const InferContext& c, int input) {
  if (!c.has_shape(input)) return false;
  check(c.rank(input) >= 3, ErrorCode::kInvalidModel, "input {} has no spatial dims: {}", input,
        to_string(c.shape(input)));
  check(c.rank(input) <= 2 + kMaxSpatial, ErrorCode::kUnsupported, "more than {} spatial dims are not supported: {}",
        kMaxSpatial, to_string(c.shape(input)));
  return true;
}

SymShape spatial_of(const SymShape& shape, bool nhwc) {
  const auto begin = shape.begin() + (nhwc ? 1 : 2);
  return {begin, begin + static_cast<std::ptrdiff_t>(shape.size()) - 2};
}

SymShape image_shape(const Dim& batch, const Dim& channels, std::span<const Dim> spatial, bool nhwc) {
  SymShape s{batch};
  if (!nhwc) s.push_back(channels);
  s.insert(s.end(), spatial.begin(), spatial.end());
  if (nhwc) s.push_back(channels);
  return s;
}

OutputRange inside(int64_t out, int64_t stride, int64_t offset, int64_t size) {
  const int64_t begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  const int64_t last = size - 1 - offset;
  const int64_t end = last < 0 ? 0 : last / stride + 1;
  return {std::min(begin, out), std::max(std::min(begin, out), std::min(end, out))};
}

}  // namespace burnish
