// Col2Im, and the causal convolution that carries its state from call to call.
#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "ops/conv.h"
#include "ops/elements.h"
#include "ops/infer.h"

namespace burnish {
namespace {

/// Geometry with the block as kernel. n: number of image dims.
ConvGeometry block_geometry(const AttributeMap& attrs, const std::vector<int64_t>& block) {
  AttributeMap copy = attrs;
  copy.erase("kernel_shape");
  return conv_geometry_of(copy, block);
}

}  // namespace

void infer_col2im(InferContext& c) {
  require_rank(c, 0, 3);
  require_rank(c, 1, 1);
  require_rank(c, 2, 1);
  const auto image = c.dims(1);
  const auto block = c.ints(2);
  if (!c.has_shape(0) || !image || !block) return c.set_output(0, c.dtype(0), std::nullopt);
  check(image->size() == block->size(), ErrorCode::kInvalidModel, "an image of {} dims in blocks of {}", image->size(),
        block->size());
  check(image->size() <= kMaxSpatial, ErrorCode::kUnsupported, "more than {} image dims are not supported",
        kMaxSpatial);
  const ConvGeometry g = block_geometry(c.attrs(), *block);
  int64_t elements = 1;
  for (int64_t b : *block) elements = checked_mul(elements, b);
  const auto channels = exact_div(c.shape(0)[1], Dim(elements));
  check(channels.has_value(), ErrorCode::kInvalidModel, "{} columns are no multiple of the block's {} elements",
        to_string(c.shape(0)[1]), elements);
  for (const Dim& d : *image)
    check(!d.is_constant() || d.value() >= 0, ErrorCode::kInvalidModel, "negative image dim {}", to_string(d));
  const SymShape blocks = window_output(*image, g, AutoPad::kNotSet, false);
  require_equal(num_elements(blocks), c.shape(0)[2], "the number of blocks");
  c.set_output(0, c.dtype(0), image_shape(c.shape(0)[0], *channels, *image, false));
}

void evaluate_col2im(EvalContext& c) {
  const std::vector<int64_t> image = ints_of(c.input(1));
  const ConvGeometry g = block_geometry(c.attrs(), ints_of(c.input(2)));
  const std::vector<Dim> dims(image.begin(), image.end());
  const Shape blocks = *to_concrete(window_output(dims, g, AutoPad::kNotSet, false));
  const Spatial in = to_three(image, 1), kernel = to_three(g.kernel, 1), count = to_three(blocks.dims(), 1);
  const Spatial stride = to_three(g.strides, 1), dilation = to_three(g.dilations, 1);
  const Spatial pad = to_three(std::span(g.pads).first(image.size()), 0);
  const int64_t pixels = in[0] * in[1] * in[2];
  const int64_t per_tap = count[0] * count[1] * count[2];
  const int64_t taps = kernel[0] * kernel[1] * kernel[2];
  with_real(c.input(0).dtype, [&](auto tag) {
    using T = decltype(tag);
    const Source<T> x(c.input(0));
    Sink<T> y(c.output(0));
    std::fill_n(y.data(), y.size(), T{});
    for (int64_t i = 0; i < x.size(); ++i) {
      Spatial at{};
      int64_t block = i % per_tap, tap = i / per_tap % taps;
      bool inside = true;
      for (size_t d = 3; d-- > 0;) {
        at[d] = block % count[d] * stride[d] - pad[d] + tap % kernel[d] * dilation[d];
        inside = inside && at[d] >= 0 && at[d] < in[d];
        block /= count[d];
        tap /= kernel[d];
      }
      if (inside) y[i / per_tap / taps * pixels + (at[0] * in[1] + at[1]) * in[2] + at[2]] += x[i];
    }
    y.commit();
  });
}

void infer_causal_conv(InferContext& c) {
  for (int i = 0; i < 4; ++i) require_real(c, i);
  const std::string activation = c.attrs().get_string("activation", "none");
  constexpr std::string_view kActivations[] = {"none", "silu", "swish"};
  require_choice("activation", activation, kActivations);
  for (int i : {0, 1, 3}) require_rank(c, i, 3);
  infer_like(c);
  if (!c.has_shape(0) || !c.has_shape(1)) return c.set_output(1, c.dtype(0), std::nullopt);
  const SymShape &x = c.shape(0), &w = c.shape(1);
  require_equal(x[1], w[0], "channels against the weight's");
  require_equal(w[1], Dim(1), "the weight's second dimension");
  check(!w[2].is_constant() || w[2].value() > 0, ErrorCode::kInvalidModel, "the kernel is empty");
  check_bias(c, 2, x[1]);
  const SymShape state{x[0], x[1], w[2] - Dim(1)};
  if (c.has_shape(3))
    for (size_t i = 0; i < 3; ++i) require_equal(c.shape(3)[i], state[i], "the past state's shape");
  c.set_output(1, c.dtype(0), state);
}

void evaluate_causal_conv(EvalContext& c) {
  const Source<double> x(c.input(0)), w(c.input(1));
  const Source<double> bias = c.has_input(2) ? Source<double>(c.input(2)) : Source<double>();
  const Source<double> past = c.has_input(3) ? Source<double>(c.input(3)) : Source<double>();
  Sink<double> y(c.output(0));
  const int64_t channels = x.shape()[1], length = x.shape()[2], kernel = w.shape()[2], kept = kernel - 1;
  const bool silu = c.attrs().get_string("activation", "none") != "none";
  std::vector<double> states;
  for (int64_t row = 0; row < x.shape()[0] * channels; ++row) {
    std::vector<double> padded(static_cast<size_t>(kept + length));
    if (past.defined()) std::copy_n(past.data() + row * kept, kept, padded.begin());
    std::copy_n(x.data() + row * length, length, padded.begin() + kept);
    const int64_t channel = row % channels;
    for (int64_t i = 0; i < length; ++i) {
      double sum = bias.defined() ? bias[channel] : 0;
      for (int64_t k = 0; k < kernel; ++k) sum += w[channel * kernel + k] * padded[static_cast<size_t>(i + k)];
      y[row * length + i] = silu ? sum / (1 + std::exp(-sum)) : sum;
    }
    states.insert(states.end(), padded.end() - kept, padded.end());
  }
  y.commit();
  if (c.wants_output(1)) store_elements<double>(states.data(), c.output(1));
}

}  // namespace burnish
