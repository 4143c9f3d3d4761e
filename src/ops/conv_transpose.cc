#include <algorithm>

#include "ops/conv.h"
#include "ops/elements.h"
#include "ops/infer.h"

namespace burnish {
namespace {

/// ConvTranspose's attributes, everything explicit: the leading pads follow from auto_pad and output_shape.
struct TransposedGeometry {
  ConvGeometry base;
  std::vector<int64_t> output_padding;
  std::vector<int64_t> output_shape;  ///< Empty unless given.
  AutoPad auto_pad = AutoPad::kNotSet;
};

TransposedGeometry transposed_geometry(const AttributeMap& attrs, std::span<const int64_t> kernel) {
  TransposedGeometry t{conv_geometry_of(attrs, kernel), attrs.get_ints("output_padding"),
                       attrs.get_ints("output_shape"), auto_pad_of(attrs)};
  const size_t n = t.base.kernel.size();
  if (t.output_padding.empty()) t.output_padding.assign(n, 0);
  check(t.output_padding.size() == n, ErrorCode::kInvalidModel, "attribute output_padding has {} entries, not {}",
        t.output_padding.size(), n);
  for (int64_t p : t.output_padding)
    check(p >= 0 && p <= INT32_MAX, ErrorCode::kInvalidModel, "attribute output_padding has the entry {}", p);
  if (t.output_shape.size() > n)
    t.output_shape.erase(t.output_shape.begin(), t.output_shape.end() - static_cast<std::ptrdiff_t>(n));
  check(t.output_shape.empty() || t.output_shape.size() == n, ErrorCode::kInvalidModel,
        "attribute output_shape has {} entries, not {}", t.output_shape.size(), n);
  return t;
}

Dim full_extent(const TransposedGeometry& t, const Dim& in, size_t i) {
  return (in - Dim(1)) * Dim(t.base.strides[i]) +
         Dim(t.output_padding[i] + window_extent(t.base.kernel[i], t.base.dilations[i]));
}

bool is_same(AutoPad pad) {
  return pad == AutoPad::kSameUpper || pad == AutoPad::kSameLower;
}

Dim transposed_output(const TransposedGeometry& t, const Dim& in, size_t i) {
  if (!t.output_shape.empty()) return t.output_shape[i];
  if (is_same(t.auto_pad)) return in * Dim(t.base.strides[i]);
  const size_t n = t.base.kernel.size();
  const int64_t pads = t.auto_pad == AutoPad::kValid ? 0 : t.base.pads[i] + t.base.pads[n + i];
  return full_extent(t, in, i) - Dim(pads);
}

/// Where output 0 lies within the full extent.
int64_t leading_pad(const TransposedGeometry& t, int64_t in, int64_t out, size_t i) {
  if (t.auto_pad == AutoPad::kValid && t.output_shape.empty()) return 0;
  if (t.output_shape.empty() && !is_same(t.auto_pad)) return t.base.pads[i];
  const int64_t total = full_extent(t, Dim(in), i).value() - out;
  const int64_t half = total >= 0 ? total / 2 : -((1 - total) / 2);
  return t.auto_pad == AutoPad::kSameUpper ? half : total - half;
}

template <typename T>
void run(EvalContext& c) {
  const Source<T> x(c.input(0)), w(c.input(1));
  Sink<T> y(c.output(0));
  const auto spatial = [](const Shape& s) { return s.dims().subspan(2); };
  const TransposedGeometry t = transposed_geometry(c.attrs(), spatial(w.shape()));
  const size_t n = t.base.kernel.size();
  std::vector<int64_t> pads(n);
  for (size_t i = 0; i < n; ++i) pads[i] = leading_pad(t, spatial(x.shape())[i], spatial(y.shape())[i], i);
  const ConvSizes s{x.shape()[0],
                    t.base.group,
                    w.shape()[0] / t.base.group,
                    w.shape()[1],
                    to_three(spatial(x.shape()), 1),
                    to_three(spatial(y.shape()), 1),
                    to_three(t.base.kernel, 1),
                    to_three(t.base.strides, 1),
                    to_three(t.base.dilations, 1),
                    to_three(pads, 0)};
  convolve_transposed(s, x.data(), w.data(), y.data());
  if (c.has_input(2)) {
    const Source<T> bias(c.input(2));
    add_channel_bias(bias.data(), s.batch, y.shape()[1], y.shape().product(2, y.shape().rank()), y.data());
  }
  y.commit();
}

}  // namespace

void infer_conv_transpose(InferContext& c) {
  for (int i = 0; i < 3; ++i) require_real(c, i);
  if (!check_image(c) || !c.has_shape(1)) return c.set_output(0, c.dtype(0), std::nullopt);
  require_rank(c, 1, c.rank(0));
  const SymShape& weight = c.shape(1);
  const auto kernel = to_concrete(spatial_of(weight, false));
  const TransposedGeometry t = transposed_geometry(c.attrs(), kernel ? kernel->dims() : std::span<const int64_t>());
  check(t.base.kernel.size() + 2 == weight.size(), ErrorCode::kInvalidModel, "kernel_shape does not fit the weight");
  require_equal(c.shape(0)[1], weight[0], "channels against the weight's");
  check(!weight[0].is_constant() || weight[0].value() % t.base.group == 0, ErrorCode::kInvalidModel,
        "{} input channels are no multiple of group {}", to_string(weight[0]), t.base.group);
  SymShape out{c.shape(0)[0], weight[1] * Dim(t.base.group)};
  for (size_t i = 0; i < t.base.kernel.size(); ++i) {
    out.push_back(transposed_output(t, c.shape(0)[i + 2], i));
    check(!out.back().is_constant() || out.back().value() >= 0, ErrorCode::kInvalidModel,
          "the pads leave nothing of spatial dim {}", i);
  }
  check_bias(c, 2, out[1]);
  c.set_output(0, c.dtype(0), std::move(out));
}

void evaluate_conv_transpose(EvalContext& c) {
  with_real(c.input(0).dtype, [&](auto tag) { run<decltype(tag)>(c); });
}

}  // namespace burnish
