#pragma once
// FusedConv problems for the tests of convolution tactics.
#include "kernels/problem_set.h"
#include "ops/activation.h"

namespace burnish::testing {

struct ConvCase {
  int64_t batch = 1, height = 9, width = 11, in = 5, out = 7;
  std::vector<int64_t> kernel = {3, 3};
  std::vector<int64_t> strides = {1, 1};
  std::vector<int64_t> pads = {1, 1, 1, 1};
  std::vector<int64_t> dilations = {1, 1};
  int64_t group = 1;
  bool nhwc_input = true;
  std::string residual = {};
  Activation activation = {};
  bool bias = true;
};

inline Shape conv_output_shape(const ConvCase& c) {
  const auto size = [&](size_t i, int64_t in) {
    return (in + c.pads[i] + c.pads[i + 2] - c.dilations[i] * (c.kernel[i] - 1) - 1) / c.strides[i] + 1;
  };
  return {c.batch, size(0, c.height), size(1, c.width), c.out};
}

/// Weights and bias constant; a residual as input 3.
inline ProblemCase make_conv(const ConvCase& c) {
  ProblemCase p{.op = "FusedConv"};
  const Shape x = c.nhwc_input ? Shape{c.batch, c.height, c.width, c.in} : Shape{c.batch, c.in, c.height, c.width};
  p.inputs = {random_floats(x, 1), random_floats({c.out, c.in / c.group, c.kernel[0], c.kernel[1]}, 2),
              c.bias ? random_floats({c.out}, 3) : Tensor{}};
  p.constant = {false, true, c.bias};
  p.attrs.set("kernel_shape", c.kernel);
  p.attrs.set("strides", c.strides);
  p.attrs.set("pads", c.pads);
  p.attrs.set("dilations", c.dilations);
  p.attrs.set("group", c.group);
  p.attrs.set("input_layout", std::string(c.nhwc_input ? "NHWC" : "NCHW"));
  p.attrs.set("output_layout", std::string("NHWC"));
  set_activation(p.attrs, c.activation);
  if (!c.residual.empty()) {
    p.attrs.set("residual", c.residual);
    p.inputs.push_back(random_floats(conv_output_shape(c), 4));
    p.constant.push_back(false);
  }
  return p;
}

/// Input, output and residual as slices of wider tensors.
inline void put_rows_apart(ProblemCase& p, int64_t in, int64_t out) {
  p.input_strides = {in + 3, 0, 0, out + 16};
  p.output_strides = {out + 5};
}

}  // namespace burnish::testing
