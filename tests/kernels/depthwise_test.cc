// cpu.depthwise against the reference: kernels, strides, dilations, pads, channels, epilogues.
#include <gtest/gtest.h>

#include "kernels/conv_case.h"
#include "ops/fused.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr std::string_view kTactic = "cpu.depthwise";
const CheckOptions kOptions{.threads = {1, 3}, .tolerance = 1e-5};

ConvCase depthwise(int64_t channels) {
  return {.batch = 2, .height = 13, .width = 22, .in = channels, .out = channels, .group = channels};
}

void check(const ConvCase& c) {
  expect_matches_reference(kTactic, make_conv(c), kOptions);
}

TEST(Depthwise, AnyChannels) {
  for (const int64_t channels : {2, 3, 5, 16, 17, 33, 100}) check(depthwise(channels));
}

TEST(Depthwise, Geometry) {
  for (const std::vector<int64_t>& kernel : {std::vector<int64_t>{3, 3}, {1, 5}, {4, 2}, {7, 7}}) {
    for (const std::vector<int64_t>& strides : {std::vector<int64_t>{1, 1}, {2, 2}, {3, 1}}) {
      for (const std::vector<int64_t>& pads : {std::vector<int64_t>{0, 0, 0, 0}, {1, 2, 3, 0}, {9, 9, 9, 9}}) {
        for (const std::vector<int64_t>& dilations : {std::vector<int64_t>{1, 1}, {2, 3}}) {
          ConvCase c = depthwise(5);
          c.kernel = kernel;
          c.strides = strides;
          c.pads = pads;
          c.dilations = dilations;
          c.height = c.width = 23;
          check(c);
        }
      }
    }
  }
}

TEST(Depthwise, EveryActivationWithEveryResidual) {
  for (const std::string residual : {"", "before", "after"}) {
    for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
      ConvCase c = depthwise(21);
      c.residual = residual;
      c.activation = {static_cast<ActivationKind>(kind), 0.25F, 0.75F};
      check(c);
    }
  }
}

TEST(Depthwise, RowsApart) {
  ConvCase c = depthwise(21);
  c.residual = "before";
  ProblemCase p = make_conv(c);
  put_rows_apart(p, 21, 21);
  expect_matches_reference(kTactic, p, kOptions);
}

TEST(Depthwise, BiasAbsentOrUnknown) {
  ConvCase c = depthwise(21);
  c.bias = false;
  check(c);
  ProblemCase p = make_conv(depthwise(19));
  p.constant[2] = false;
  expect_matches_reference(kTactic, p, kOptions);
}

const Encoding kActivations{DType::kUInt8, 0.016F, 119};

/// The convolution with X, R and Y in these encodings; weights of integers have a scale for each channel.
ProblemCase encode_conv(const ConvCase& c, const Encoding& x, const Encoding& w, const Encoding& r, const Encoding& y) {
  ProblemCase p = make_conv(c);
  p.inputs.resize(5);
  p.constant.resize(5, false);
  p.inputs[0] = encoded(p.inputs[0], x);
  p.inputs[1] = encoded(p.inputs[1], w);
  set_input_encoding(p.attrs, 0, 5, x);
  set_input_encoding(p.attrs, 1, 5, w);
  if (w.is_integer()) {
    p.inputs[kFusedWeightScales] = random_floats({c.out}, 9, 0.2F, 0.9F);
    p.constant[kFusedWeightScales] = true;
  }
  if (!c.residual.empty()) {
    p.inputs[kFusedResidual] = encoded(p.inputs[kFusedResidual], r);
    set_input_encoding(p.attrs, kFusedResidual, 5, r);
  }
  set_output_encoding(p.attrs, y);
  return p;
}

/// By the tactic for any encodings and, where the machine has it, by the one that multiplies bytes.
void check_encoded(const ProblemCase& p) {
  CheckOptions options{.threads = {1, 3}, .tolerance = 1e-5, .steps = 1};
  expect_matches_reference(kTactic, p, options);
  options.isas = {Isa::kAvx512Vnni};
  const Tactic& bytes = *find_tactic("cpu.u8_depthwise");
  if (!bytes.supports(make_problem(p, reference_of(p)), target_with(Isa::kAvx512Vnni, 1))) return;
  expect_matches_reference(bytes, p, options);
}

TEST(Depthwise, AnyEncodings) {
  const Encoding floats{DType::kFloat32}, bf16{DType::kBFloat16}, half{DType::kFloat16};
  const Encoding weights{DType::kInt8, 1, 0}, scaled_weights{DType::kInt8, 0.011F, 2}, out{DType::kUInt8, 0.03F, 101},
      signed_out{DType::kInt8, 0.04F, -7};
  ConvCase c = depthwise(37);
  c.residual = "before";
  for (const Encoding& y : {floats, bf16, half, out, signed_out}) {
    for (const Encoding& r : {floats, bf16, half, kActivations}) {
      SCOPED_TRACE(fmt::format("R {}, Y {}", name_of(r.dtype), name_of(y.dtype)));
      check_encoded(encode_conv(c, kActivations, scaled_weights, r, y));
      check_encoded(encode_conv(c, bf16, bf16, r, y));
      check_encoded(encode_conv(c, half, half, r, y));
      check_encoded(encode_conv(c, floats, bf16, r, y));
    }
  }
  check_encoded(encode_conv(depthwise(37), kActivations, weights, {}, floats));
  check_encoded(encode_conv(depthwise(37), bf16, scaled_weights, {}, half));
}

TEST(Depthwise, GeometryOfIntegers) {
  for (const std::vector<int64_t>& kernel : {std::vector<int64_t>{3, 3}, {5, 5}, {1, 5}, {4, 2}, {7, 7}}) {
    for (const std::vector<int64_t>& strides : {std::vector<int64_t>{1, 1}, {2, 2}, {3, 1}}) {
      for (const std::vector<int64_t>& pads : {std::vector<int64_t>{0, 0, 0, 0}, {1, 2, 3, 0}, {9, 9, 9, 9}}) {
        for (const std::vector<int64_t>& dilations : {std::vector<int64_t>{1, 1}, {2, 3}}) {
          ConvCase c = depthwise(19);
          c.kernel = kernel;
          c.strides = strides;
          c.pads = pads;
          c.dilations = dilations;
          c.height = c.width = 23;
          check_encoded(encode_conv(c, kActivations, {DType::kInt8, 0.02F, 0}, {}, {DType::kUInt8, 0.05F, 128}));
        }
      }
    }
  }
}

/// Full range, so that a wrong bit would show: a scale of one and few taps leave the sums as they are.
TEST(Depthwise, SumsOfIntegersAreExact) {
  ConvCase c = depthwise(70);
  c.kernel = {5, 5};
  c.pads = {2, 2, 2, 2};
  ProblemCase p = encode_conv(c, {DType::kUInt8, 1, 131}, {DType::kInt8, 1, 0}, {}, {});
  p.inputs[0] = random_tensor(DType::kUInt8, p.inputs[0].shape(), 3, 0, 255);
  p.inputs[1] = random_tensor(DType::kInt8, p.inputs[1].shape(), 4, -128, 127);
  p.inputs[2] = Tensor();
  p.inputs[4] = Tensor();
  p.constant[2] = p.constant[4] = false;
  expect_matches_reference(kTactic, p, {.tolerance = 0});
  if (detect_cpu(1).isa < Isa::kAvx512Vnni) return;
  expect_matches_reference("cpu.u8_depthwise", p, {.isas = {Isa::kAvx512Vnni}, .tolerance = 0});
}

TEST(Depthwise, MultipliesBytesOfAnyNumberOfChannels) {
  if (detect_cpu(1).isa < Isa::kAvx512Vnni) GTEST_SKIP() << "no instruction for it";
  for (const int64_t channels : {2, 16, 32, 33, 63, 64, 65, 96, 130}) {
    for (const Encoding& y : {Encoding{DType::kUInt8, 0.05F, 20}, Encoding{DType::kInt8, 0.05F, 11}}) {
      for (const ActivationKind kind : {ActivationKind::kNone, ActivationKind::kRelu, ActivationKind::kClip}) {
        ConvCase c = depthwise(channels);
        c.activation = {kind, -0.75F, 1.5F};
        const ProblemCase p = encode_conv(c, kActivations, {DType::kInt8, 0.02F, 0}, {}, y);
        expect_matches_reference("cpu.u8_depthwise", p, {.isas = {Isa::kAvx512Vnni}, .steps = 1});
      }
    }
  }
}

TEST(Depthwise, ActivatesBetweenEncodings) {
  for (const std::string residual : {"", "after"}) {
    for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
      ConvCase c = depthwise(21);
      c.residual = residual;
      c.activation = {static_cast<ActivationKind>(kind), 0.25F, 0.75F};
      check_encoded(encode_conv(c, kActivations, {DType::kInt8, 0.02F, 0}, kActivations, {DType::kUInt8, 0.03F, 128}));
      check_encoded(encode_conv(c, {DType::kBFloat16}, {DType::kBFloat16}, {}, {DType::kBFloat16}));
    }
  }
}

TEST(Depthwise, EncodedRowsApart) {
  ConvCase c = depthwise(21);
  c.residual = "before";
  ProblemCase p = encode_conv(c, kActivations, {DType::kInt8, 0.02F, 0}, kActivations, {DType::kUInt8, 0.03F, 128});
  put_rows_apart(p, 21, 21);
  check_encoded(p);
  p.constant[2] = false;
  check_encoded(p);
}

TEST(Depthwise, LeavesOtherGroupsAlone) {
  const ProblemCase p = make_conv({.in = 6, .out = 12, .group = 6});
  EXPECT_FALSE(find_tactic(kTactic)->supports(make_problem(p, reference_of(p)), target_with(Isa::kAvx512, 1)));
}

}  // namespace
}  // namespace burnish
