// Deformable convolution over images: https://arxiv.org/abs/1703.06211, https://arxiv.org/abs/1811.11168.
#include <algorithm>
#include <cmath>

#include "ops/conv.h"
#include "ops/elements.h"
#include "ops/infer.h"

namespace burnish {
namespace {

int64_t offset_groups(const AttributeMap& attrs) {
  const int64_t groups = attrs.get_int("offset_group", 1);
  check(groups > 0 && groups <= INT32_MAX, ErrorCode::kInvalidModel, "attribute offset_group = {} must be positive",
        groups);
  return groups;
}

/// Bilinear; zero outside.
double sample(const double* plane, int64_t height, int64_t width, double y, double x) {
  if (!(y > -1 && y < static_cast<double>(height) && x > -1 && x < static_cast<double>(width))) return 0;
  const auto y0 = static_cast<int64_t>(std::floor(y)), x0 = static_cast<int64_t>(std::floor(x));
  const double ly = y - static_cast<double>(y0), lx = x - static_cast<double>(x0);
  const auto at = [&](int64_t r, int64_t s) {
    return r >= 0 && r < height && s >= 0 && s < width ? plane[r * width + s] : 0;
  };
  return (1 - ly) * ((1 - lx) * at(y0, x0) + lx * at(y0, x0 + 1)) +
         ly * ((1 - lx) * at(y0 + 1, x0) + lx * at(y0 + 1, x0 + 1));
}

struct DeformInputs {
  Source<double> x, w, offset, mask;
};

/// The value under kernel tap `tap` of input channel `channel` at output pixel `pixel`.
double tap_value(const DeformInputs& in, const ConvSizes& s, int64_t groups, int64_t n, int64_t channel, int64_t tap,
                 int64_t pixel) {
  const int64_t channels = s.in_channels * s.group, taps = s.kernel[1] * s.kernel[2], pixels = s.out[1] * s.out[2];
  const int64_t g = channel / (channels / groups);
  const int64_t base = (n * groups + g) * taps + tap;
  const double* offset = in.offset.data() + base * 2 * pixels + pixel;
  const double y = static_cast<double>(pixel / s.out[2] * s.stride[1] - s.pad[1] + tap / s.kernel[2] * s.dilation[1]);
  const double x = static_cast<double>(pixel % s.out[2] * s.stride[2] - s.pad[2] + tap % s.kernel[2] * s.dilation[2]);
  const double* plane = in.x.data() + (n * channels + channel) * s.in[1] * s.in[2];
  const double value = sample(plane, s.in[1], s.in[2], y + offset[0], x + offset[pixels]);
  return in.mask.defined() ? value * in.mask[base * pixels + pixel] : value;
}

}  // namespace

void infer_deform_conv(InferContext& c) {
  for (int i = 0; i < 5; ++i) require_real(c, i);
  require_rank(c, 0, 4);
  require_rank(c, 2, 4);
  require_rank(c, 4, 4);
  const int64_t groups = offset_groups(c.attrs());
  const auto out = conv_output_shape(c, 0, 1);
  c.set_output(0, c.dtype(0), out);
  if (!out) return;
  check_bias(c, 3, (*out)[1]);
  check(!c.shape(0)[1].is_constant() || c.shape(0)[1].value() % groups == 0, ErrorCode::kInvalidModel,
        "the channels are no multiple of {} offset groups", groups);
  const Dim taps = c.shape(1)[2] * c.shape(1)[3] * Dim(groups);
  for (int i : {2, 4}) {
    if (!c.has_shape(i)) continue;
    require_equal(c.shape(i)[0], (*out)[0], "batches of X and offsets");
    require_equal(c.shape(i)[1], i == 2 ? taps * Dim(2) : taps, "channels of the offsets or the mask");
    for (size_t d : {size_t{2}, size_t{3}}) require_equal(c.shape(i)[d], (*out)[d], "offsets against the output");
  }
}

void evaluate_deform_conv(EvalContext& c) {
  const DeformInputs in{Source<double>(c.input(0)), Source<double>(c.input(1)), Source<double>(c.input(2)),
                        c.has_input(4) ? Source<double>(c.input(4)) : Source<double>()};
  const Source<double> bias = c.has_input(3) ? Source<double>(c.input(3)) : Source<double>();
  Sink<double> y(c.output(0));
  const ConvSizes s = conv_sizes(c.attrs(), in.x.shape(), in.w.shape(), y.shape());
  const int64_t groups = offset_groups(c.attrs());
  const int64_t outs = y.shape()[1], pixels = s.out[1] * s.out[2], taps = s.kernel[1] * s.kernel[2];
  for (int64_t i = 0; i < y.size(); ++i) y[i] = bias.defined() ? bias[i / pixels % outs] : 0;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t channel = 0; channel < s.in_channels * s.group; ++channel)
      for (int64_t tap = 0; tap < taps; ++tap)
        for (int64_t pixel = 0; pixel < pixels; ++pixel) {
          const double v = tap_value(in, s, groups, n, channel, tap, pixel);
          const int64_t first = channel / s.in_channels * s.out_channels;
          for (int64_t o = first; o < first + s.out_channels; ++o)
            y[(n * outs + o) * pixels + pixel] += v * in.w[(o * s.in_channels + channel % s.in_channels) * taps + tap];
        }
  y.commit();
}

}  // namespace burnish
