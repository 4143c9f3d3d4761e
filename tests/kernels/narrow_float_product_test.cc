// cpu.bf16_gemm, cpu.bf16_conv, cpu.bf16_winograd and their likes for half floats against the reference, which computes
// in single precision.
#include <gtest/gtest.h>

#include "kernels/conv_case.h"
#include "kernels/encoded_case.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

struct NarrowFloat {
  DType dtype;
  std::string gemm, conv, winograd;
  CheckOptions options() const { return {.threads = {1, 3}, .tolerance = 1e-5, .steps = 1}; }
  EncodedCase encodings() const { return {{dtype}, {dtype}, {dtype}, {dtype}, false}; }
};

class NarrowFloatProduct : public ::testing::TestWithParam<NarrowFloat> {
 protected:
  void expect_gemm(const ProblemCase& c, const EncodedCase& e) {
    expect_matches_reference(GetParam().gemm, encode_case(c, e), GetParam().options());
  }
  void expect_gemm(const ProblemCase& c) { expect_gemm(c, GetParam().encodings()); }
  void expect_conv(const ConvCase& c) {
    expect_matches_reference(GetParam().conv, encode_case(make_conv(c), GetParam().encodings()), GetParam().options());
  }
  void expect_winograd(const ConvCase& c, const EncodedCase& e) {
    CheckOptions options = GetParam().options();
    options.tolerance = 5e-5;
    options.configs = {"m=2", "m=4"};
    expect_matches_reference(GetParam().winograd, encode_case(make_conv(c), e), options);
  }
};

INSTANTIATE_TEST_SUITE_P(
    Types, NarrowFloatProduct,
    ::testing::Values(NarrowFloat{DType::kBFloat16, "cpu.bf16_gemm", "cpu.bf16_conv", "cpu.bf16_winograd"},
                      NarrowFloat{DType::kFloat16, "cpu.f16_gemm", "cpu.f16_conv", "cpu.f16_winograd"}),
    [](const auto& test) { return std::string(name_of(test.param.dtype)); });

ProblemCase matmul(int64_t m, int64_t k, int64_t n, const std::string& residual = {}) {
  ProblemCase c{.op = "FusedMatMul"};
  c.inputs = {random_floats({m, k}, 1), random_floats({k, n}, 2), random_floats({n}, 3)};
  c.constant = {false, true, true};
  if (residual.empty()) return c;
  c.attrs.set("residual", residual);
  c.inputs.push_back(random_floats({m, n}, 4));
  c.constant.push_back(false);
  return c;
}

TEST_P(NarrowFloatProduct, AnySize) {
  for (const int64_t m : {1, 2, 5, 13, 33}) {
    for (const int64_t n : {1, 3, 15, 16, 17, 33, 64, 100, 145}) {
      for (const int64_t k : {1, 2, 3, 17, 40}) expect_gemm(matmul(m, k, n));
    }
  }
  expect_gemm(matmul(300, 1030, 130));
}

TEST_P(NarrowFloatProduct, EveryEncodingOfResidualAndResult) {
  const std::vector<Encoding> encodings = {{}, {DType::kBFloat16}, {DType::kFloat16}, {DType::kUInt8, 0.125F, 100}};
  for (const std::string residual : {"before", "after"}) {
    for (const Encoding& r : encodings) {
      for (const Encoding& y : encodings) {
        for (const ActivationKind kind : {ActivationKind::kNone, ActivationKind::kRelu, ActivationKind::kSilu}) {
          ProblemCase c = matmul(9, 21, 37, residual);
          set_activation(c.attrs, {kind, 0, 0});
          EncodedCase e = GetParam().encodings();
          e.r = r;
          e.y = y;
          SCOPED_TRACE(fmt::format("{} R {} Y {}", residual, name_of(r.dtype), name_of(y.dtype)));
          expect_gemm(c, e);
        }
      }
    }
  }
}

TEST_P(NarrowFloatProduct, ScalesAndUnknownBiases) {
  ProblemCase c = matmul(5, 9, 21);
  c.attrs.set("alpha", 0.3F);
  expect_gemm(c);
  c.constant[2] = false;
  expect_gemm(c);
  EncodedCase e = GetParam().encodings();
  e.weight_scales = true;
  expect_gemm(c, e);
}

TEST_P(NarrowFloatProduct, RightSidesThatAreNotConstant) {
  ProblemCase c = matmul(5, 9, 21);
  c.inputs[2] = Tensor{};
  c.constant = {};
  expect_gemm(c);
  c.inputs[0] = random_floats({2, 3, 5, 9}, 1);
  c.inputs[1] = random_floats({3, 9, 40}, 2);
  expect_gemm(c);
  c.inputs[1] = random_floats({3, 40, 9}, 2);
  c.attrs.set("transB", int64_t{1});
  c.attrs.set("alpha", -2.0F);
  expect_gemm(c);
}

TEST_P(NarrowFloatProduct, RowsApart) {
  ProblemCase c = matmul(11, 21, 37, "before");
  c.input_strides = {24, 0, 0, 40};
  c.output_strides = {50};
  expect_gemm(c);
  for (const int64_t kernel : {1, 3}) {
    for (const int64_t in : {5, 8}) {
      for (const int64_t pad : {0, 1}) {
        ProblemCase p = encode_case(make_conv({.batch = 2,
                                               .in = in,
                                               .out = 21,
                                               .kernel = {kernel, kernel},
                                               .pads = {pad, pad, pad, pad},
                                               .residual = "before"}),
                                    GetParam().encodings());
        put_rows_apart(p, in, 21);
        expect_matches_reference(GetParam().conv, p, GetParam().options());
      }
    }
  }
}

TEST_P(NarrowFloatProduct, ConvolutionsOfAnyChannels) {
  for (const int64_t in : {1, 3, 4, 17, 33}) {
    for (const int64_t out : {1, 5, 17, 64, 100}) {
      expect_conv({.in = in, .out = out});
      expect_conv({.in = in, .out = out, .kernel = {1, 1}, .strides = {2, 1}, .pads = {0, 0, 0, 0}});
    }
  }
}

TEST_P(NarrowFloatProduct, ConvolutionGeometry) {
  for (const std::vector<int64_t>& kernel : {std::vector<int64_t>{3, 3}, {1, 5}, {4, 2}}) {
    for (const std::vector<int64_t>& strides : {std::vector<int64_t>{1, 1}, {2, 2}}) {
      for (const std::vector<int64_t>& pads : {std::vector<int64_t>{0, 0, 0, 0}, {1, 2, 3, 0}}) {
        expect_conv({.batch = 2, .height = 13, .width = 10, .kernel = kernel, .strides = strides, .pads = pads});
      }
    }
  }
  expect_conv({.height = 13, .width = 12, .pads = {2, 1, 0, 3}, .dilations = {2, 3}});
  expect_conv({.batch = 2, .in = 10, .out = 20, .strides = {2, 1}, .group = 5, .residual = "after"});
  for (const int64_t in : {1, 3, 19}) {
    expect_conv({.height = 37, .width = 41, .in = in, .out = 33, .strides = {2, 2}, .nhwc_input = false});
  }
}

TEST_P(NarrowFloatProduct, Winograd) {
  EncodedCase e = GetParam().encodings();
  for (const int64_t in : {1, 17, 64}) {
    for (const int64_t out : {1, 21, 100}) expect_winograd({.batch = 2, .in = in, .out = out}, e);
  }
  const std::vector<Encoding> encodings = {{}, {DType::kBFloat16}, {DType::kFloat16}, {DType::kUInt8, 0.125F, 100}};
  for (const std::string residual : {"", "before", "after"}) {
    for (const ActivationKind kind : {ActivationKind::kNone, ActivationKind::kRelu, ActivationKind::kSilu}) {
      for (const Encoding& encoding : encodings) {
        e.y = e.r = encoding;
        e.weight_scales = kind == ActivationKind::kNone;
        SCOPED_TRACE(fmt::format("{} {}", residual, name_of(encoding.dtype)));
        expect_winograd({.height = 13, .in = 6, .out = 85, .residual = residual, .activation = {kind, 0, 0}}, e);
      }
    }
  }
  ProblemCase p =
      encode_case(make_conv({.batch = 2, .in = 5, .out = 21, .residual = "before"}), GetParam().encodings());
  put_rows_apart(p, 5, 21);
  expect_matches_reference(GetParam().winograd, p,
                           {.threads = {1, 3}, .tolerance = 5e-5, .steps = 1, .configs = {"m=2", "m=4"}});
}

TEST_P(NarrowFloatProduct, EveryActivationWithEveryResidual) {
  for (const std::string residual : {"", "before", "after"}) {
    for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
      const Activation activation{static_cast<ActivationKind>(kind), 0.25F, 0.75F};
      SCOPED_TRACE(residual + " " + std::string(name_of(static_cast<ActivationKind>(kind))));
      expect_conv({.in = 6, .out = 21, .residual = residual, .activation = activation});
    }
  }
}

}  // namespace
}  // namespace burnish
