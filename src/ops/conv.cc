#include "ops/conv.h"

#include "ops/elements.h"
#include "ops/infer.h"

namespace burnish {

std::optional<SymShape> conv_output_shape(const InferContext& c, int x, int w, bool x_nhwc, bool y_nhwc) {
  if (!check_image(c, x) || !c.has_shape(w)) return std::nullopt;
  const SymShape& in = c.shape(x);
  const SymShape& weight = c.shape(w);
  check(weight.size() == in.size(), ErrorCode::kInvalidModel, "weight {} does not fit input {}", to_string(weight),
        to_string(in));
  const auto kernel = to_concrete(spatial_of(weight, false));
  const ConvGeometry g = conv_geometry_of(c.attrs(), kernel ? kernel->dims() : std::span<const int64_t>());
  require_equal(x_nhwc ? in.back() : in[1], weight[1] * Dim(g.group), "channels against group times the weight's");
  check(!weight[0].is_constant() || weight[0].value() % g.group == 0, ErrorCode::kInvalidModel,
        "{} output channels are no multiple of group {}", to_string(weight[0]), g.group);
  const SymShape out = window_output(spatial_of(in, x_nhwc), g, auto_pad_of(c.attrs()), false);
  return image_shape(in[0], weight[0], out, y_nhwc);
}

void check_bias(const InferContext& c, int bias, const Dim& channels) {
  if (!c.has_shape(bias)) return;
  require_rank(c, bias, 1);
  require_equal(c.shape(bias)[0], channels, "bias against output channels");
}

ConvSizes conv_sizes(const AttributeMap& attrs, const Shape& x, const Shape& w, const Shape& y) {
  const auto spatial = [](const Shape& s) { return s.dims().subspan(2); };
  ConvGeometry g = conv_geometry_of(attrs, spatial(w));
  resolve_auto_pad(g, auto_pad_of(attrs), spatial(x));
  ConvSizes s;
  s.batch = x[0];
  s.group = g.group;
  s.in_channels = w[1];
  s.out_channels = w[0] / g.group;
  s.in = to_three(spatial(x), 1);
  s.out = to_three(spatial(y), 1);
  s.kernel = to_three(g.kernel, 1);
  s.stride = to_three(g.strides, 1);
  s.dilation = to_three(g.dilations, 1);
  s.pad = to_three(std::span(g.pads).first(g.kernel.size()), 0);
  return s;
}

namespace {

void infer_conv(InferContext& c) {
  for (int i = 0; i < 3; ++i) require_real(c, i);
  const auto out = conv_output_shape(c, 0, 1);
  if (out) check_bias(c, 2, (*out)[1]);
  c.set_output(0, c.dtype(0), out);
}

template <typename T>
void run_conv(EvalContext& c) {
  const Source<T> x(c.input(0)), w(c.input(1));
  Sink<T> y(c.output(0));
  const ConvSizes s = conv_sizes(c.attrs(), x.shape(), w.shape(), y.shape());
  convolve(s, x.data(), w.data(), y.data());
  if (c.has_input(2)) {
    const Source<T> bias(c.input(2));
    add_channel_bias(bias.data(), s.batch, y.shape()[1], y.shape().product(2, y.shape().rank()), y.data());
  }
  y.commit();
}

void evaluate_conv(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run_conv<decltype(tag)>(c); });
}

constexpr OpDescriptor kOps[] = {
    {"Conv", 2, 3, 1, 1, infer_conv, evaluate_conv},
    {"ConvTranspose", 2, 3, 1, 1, infer_conv_transpose, evaluate_conv_transpose},
    {"ConvInteger", 2, 4, 1, 1, infer_conv_integer, evaluate_conv_integer},
    {"QLinearConv", 8, 9, 1, 1, infer_qlinear_conv, evaluate_qlinear_conv},
    {"DeformConv", 3, 5, 1, 1, infer_deform_conv, evaluate_deform_conv},
    {"Col2Im", 3, 3, 1, 1, infer_col2im, evaluate_col2im},
    {"CausalConvWithState", 2, 4, 1, 2, infer_causal_conv, evaluate_causal_conv},
};

}  // namespace

std::span<const OpDescriptor> conv_ops() {
  return kOps;
}

}  // namespace burnish
