// Quantised convolutions. Sums of 8-bit products are exact in double.
#include <algorithm>
#include <cmath>

#include "ops/conv.h"
#include "ops/elements.h"
#include "ops/infer.h"

namespace burnish {
namespace {

void require_byte(const InferContext& c, int i) {
  if (!c.has_input(i)) return;
  check(c.dtype(i) == DType::kInt8 || c.dtype(i) == DType::kUInt8, ErrorCode::kInvalidModel,
        "input {} must be int8 or uint8, not {}", i, name_of(c.dtype(i)));
}

/// A scalar or a vector of one entry per output channel.
void require_per_channel(const InferContext& c, int i, const Dim& channels, bool scalar_only = false) {
  if (!c.has_shape(i)) return;
  const Dim n = num_elements(c.shape(i));
  if (!n.is_constant() || n.is(1)) return;
  check(!scalar_only, ErrorCode::kInvalidModel, "input {} must be a scalar", i);
  require_equal(n, channels, "one entry for each output channel");
}

/// Entry c of a per-channel tensor or of a scalar; zero when absent.
double entry(const std::vector<double>& values, int64_t c) {
  if (values.empty()) return 0;
  return values.size() == 1 ? values[0] : values[static_cast<size_t>(c)];
}

std::vector<double> doubles(const EvalContext& c, int i) {
  if (!c.has_input(i)) return {};
  std::vector<double> v(static_cast<size_t>(c.input(i).num_elements()));
  load_elements<double>(c.input(i), v.data());
  return v;
}

/// Σ (x − x_zero)·(w − w_zero) as doubles, shaped like the output.
std::vector<double> integer_sums(EvalContext& c, int x, int w, int x_zero, int w_zero) {
  std::vector<double> xs = doubles(c, x);
  std::vector<double> ws = doubles(c, w);
  const double xz = entry(doubles(c, x_zero), 0);
  const std::vector<double> wz = doubles(c, w_zero);
  for (double& v : xs) v -= xz;
  const Shape& weight = c.input(w).shape;
  const int64_t row = weight.product(1, weight.rank());
  for (int64_t o = 0; o < weight[0]; ++o)
    for (int64_t i = 0; i < row; ++i) ws[static_cast<size_t>(o * row + i)] -= entry(wz, o);
  const TensorView out = c.output(0);
  std::vector<double> sums(static_cast<size_t>(out.num_elements()));
  convolve(conv_sizes(c.attrs(), c.input(x).shape, weight, out.shape), xs.data(), ws.data(), sums.data());
  return sums;
}

}  // namespace

void infer_conv_integer(InferContext& c) {
  for (int i = 0; i < 4; ++i) require_byte(c, i);
  const auto out = conv_output_shape(c, 0, 1);
  require_per_channel(c, 2, 1, true);
  if (out) require_per_channel(c, 3, (*out)[1]);
  c.set_output(0, DType::kInt32, out);
}

void evaluate_conv_integer(EvalContext& c) {
  const std::vector<double> sums = integer_sums(c, 0, 1, 2, 3);
  store_elements<double>(sums.data(), c.output(0));
}

// Inputs: x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias (INT32 of scale x_scale·w_scale).
void infer_qlinear_conv(InferContext& c) {
  for (int i : {0, 2, 3, 5, 7}) require_byte(c, i);
  for (int i : {1, 4, 6}) require_real(c, i);
  const auto out = conv_output_shape(c, 0, 3);
  for (int i : {1, 2, 6, 7}) require_per_channel(c, i, 1, true);
  if (out) {
    require_per_channel(c, 4, (*out)[1]);
    require_per_channel(c, 5, (*out)[1]);
    check_bias(c, 8, (*out)[1]);
  }
  c.set_output(0, c.dtype(7), out);
}

void evaluate_qlinear_conv(EvalContext& c) {
  std::vector<double> y = integer_sums(c, 0, 3, 2, 5);
  const double x_scale = entry(doubles(c, 1), 0);
  const double y_scale = entry(doubles(c, 6), 0);
  const double y_zero = entry(doubles(c, 7), 0);
  const std::vector<double> w_scale = doubles(c, 4);
  const std::vector<double> bias = doubles(c, 8);
  const Shape& shape = c.output(0).shape;
  const int64_t pixels = shape.product(2, shape.rank());
  for (size_t i = 0; i < y.size(); ++i) {
    const int64_t channel = static_cast<int64_t>(i) / pixels % shape[1];
    const double sum = y[i] + (bias.empty() ? 0 : bias[static_cast<size_t>(channel)]);
    y[i] = std::nearbyint(sum * x_scale * entry(w_scale, channel) / y_scale) + y_zero;
  }
  store_elements<double>(y.data(), c.output(0));
}

}  // namespace burnish
