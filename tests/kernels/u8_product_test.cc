// cpu.u8_gemm and cpu.u8_conv against the reference. With scales that are powers of two the bytes must be equal.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/conv_case.h"
#include "kernels/encoded_case.h"

namespace burnish {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

constexpr std::string_view kGemm = "cpu.u8_gemm";
constexpr std::string_view kConv = "cpu.u8_conv";
const CheckOptions kExact{.threads = {1, 3}, .tolerance = 1e-6};
const CheckOptions kOneStep{.threads = {1, 3}, .tolerance = 1e-5, .steps = 1};

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

std::vector<Encoding> result_encodings() {
  return {{DType::kUInt8, 16, 101}, {DType::kInt8, 32, -7}, {}, {DType::kBFloat16}, {DType::kFloat16}};
}
std::vector<Encoding> residual_encodings() {
  return {{DType::kUInt8, 8, 31}, {DType::kInt8, 16, -3}, {}, {DType::kBFloat16}, {DType::kFloat16}};
}

TEST(U8Gemm, AnySize) {
  for (const int64_t m : {1, 2, 5, 13, 33}) {
    for (const int64_t n : {1, 3, 15, 16, 17, 33, 64, 100, 145}) {
      for (const int64_t k : {1, 3, 4, 17, 40}) {
        expect_matches_reference(kGemm, encode_case(matmul(m, k, n), {}), kExact);
      }
    }
  }
}

TEST(U8Gemm, ManyRowsAreBlocked) {
  expect_matches_reference(kGemm, encode_case(matmul(700, 1030, 130), {.y = {DType::kUInt8, 64, 99}}),
                           {.threads = {2}});
}

TEST(U8Gemm, EveryEncodingOfResidualAndResult) {
  for (const std::string residual : {"before", "after"}) {
    for (const Encoding& r : residual_encodings()) {
      for (const Encoding& y : result_encodings()) {
        SCOPED_TRACE(fmt::format("{} R {} Y {}", residual, name_of(r.dtype), name_of(y.dtype)));
        ProblemCase c = encode_case(matmul(9, 24, 37, residual), {.r = r, .y = y});
        expect_matches_reference(kGemm, c, r.is_integer() ? kExact : kOneStep);
        set_activation(c.attrs, {ActivationKind::kClip, -200.0F, 700.0F});
        expect_matches_reference(kGemm, c, r.is_integer() ? kExact : kOneStep);
      }
    }
  }
}

TEST(U8Gemm, EveryActivationWithEveryResidual) {
  for (const std::string residual : {"", "before", "after"}) {
    for (int kind = 0; kind <= static_cast<int>(ActivationKind::kHardSigmoid); ++kind) {
      for (const Encoding& y : {Encoding{DType::kUInt8, 0.01F, 20}, Encoding{}, Encoding{DType::kBFloat16}}) {
        ProblemCase c = encode_case(matmul(9, 21, 37, residual), {.x = {DType::kUInt8, 0.0123F, 130},
                                                                  .w = {DType::kInt8, 0.01F, 0},
                                                                  .r = {DType::kUInt8, 0.02F, 3},
                                                                  .y = y});
        set_activation(c.attrs, {static_cast<ActivationKind>(kind), 0.25F, 0.75F});
        SCOPED_TRACE(residual + " " + std::string(name_of(static_cast<ActivationKind>(kind))));
        expect_matches_reference(kGemm, c, kOneStep);
      }
    }
  }
}

TEST(U8Gemm, RowsApartTransposedBatched) {
  ProblemCase c = encode_case(matmul(11, 21, 37, "before"), {});
  c.input_strides = {24, 0, 0, 40};
  c.output_strides = {50};
  expect_matches_reference(kGemm, c, kExact);
  ProblemCase t = matmul(11, 21, 37);
  t.inputs[0] = random_floats({2, 3, 5, 21}, 1);
  t.inputs[1] = random_floats({37, 21}, 1);
  t.attrs.set("transB", int64_t{1});
  t.attrs.set("alpha", 0.5F);
  expect_matches_reference(kGemm, encode_case(t, {}), kExact);
  t.inputs[2] = Tensor{};
  expect_matches_reference(kGemm, encode_case(t, {.weight_scales = false}), kExact);
}

/// The largest products there are must neither saturate nor overflow on the way.
TEST(U8Gemm, ExtremesDoNotSaturate) {
  for (const int8_t weight : {-128, 127}) {
    for (const Encoding& y : {Encoding{}, Encoding{DType::kInt8, 0x1p-10F, 5}}) {  // beyond an int32 once scaled
      ProblemCase c = encode_case(matmul(3, 4099, 17), {.x = {DType::kUInt8, 0.125F, 0}, .y = y});
      std::fill_n(c.inputs[0].as<uint8_t>(), c.inputs[0].num_elements(), uint8_t{255});
      std::fill_n(c.inputs[1].as<int8_t>(), c.inputs[1].num_elements(), weight);
      // The reference adds up floats, which round.
      expect_matches_reference(kGemm, c, {.threads = {1}, .tolerance = 1e-4});
    }
  }
}

TEST(U8Gemm, RefusesWhatItCannotDo) {
  const auto supports = [](const ProblemCase& c) {
    return find_tactic(kGemm)->supports(make_problem(c, reference_of(c)), target_with(Isa::kAvx512, 1));
  };
  EXPECT_TRUE(supports(encode_case(matmul(5, 9, 21), {})));
  EXPECT_FALSE(supports(encode_case(matmul(5, 9, 21), {.w = {DType::kInt8, 0.25F, 3}})));
  EXPECT_FALSE(supports(encode_case(matmul(5, 9, 21), {.x = {DType::kInt8, 0.25F, 3}})));
  ProblemCase c = encode_case(matmul(5, 9, 21), {});
  c.constant[1] = false;
  EXPECT_FALSE(supports(c));
  EXPECT_FALSE(supports(matmul(5, 9, 21)));
}

void check_conv(const ConvCase& c, const EncodedCase& e = {}) {
  expect_matches_reference(kConv, encode_case(make_conv(c), e), kExact);
}

TEST(U8Conv, AnyChannels) {
  for (const int64_t in : {1, 3, 4, 17, 33}) {
    for (const int64_t out : {1, 5, 17, 64, 100}) check_conv({.in = in, .out = out});
  }
}

TEST(U8Conv, Pointwise) {
  for (const int64_t out : {1, 16, 33, 145}) {
    for (const int64_t in : {19, 20}) {
      check_conv({.batch = 2, .in = in, .out = out, .kernel = {1, 1}, .pads = {0, 0, 0, 0}});
      check_conv({.batch = 2, .in = in, .out = out, .kernel = {1, 1}, .strides = {2, 2}, .pads = {0, 0, 0, 0}});
    }
  }
  check_conv({.in = 6, .out = 20, .kernel = {1, 1}, .pads = {1, 0, 2, 3}});
}

TEST(U8Conv, Geometry) {
  for (const std::vector<int64_t>& kernel : {std::vector<int64_t>{3, 3}, {1, 5}, {4, 2}, {7, 7}}) {
    for (const std::vector<int64_t>& strides : {std::vector<int64_t>{1, 1}, {2, 2}, {3, 1}}) {
      for (const std::vector<int64_t>& pads : {std::vector<int64_t>{0, 0, 0, 0}, {1, 2, 3, 0}, {3, 3, 3, 3}}) {
        check_conv({.batch = 2, .height = 13, .width = 10, .kernel = kernel, .strides = strides, .pads = pads});
      }
    }
  }
  check_conv({.height = 13, .width = 12, .in = 8, .pads = {2, 1, 0, 3}, .dilations = {2, 3}});
  check_conv({.height = 13, .width = 12, .pads = {0, 0, 0, 0}, .dilations = {3, 2}});
}

TEST(U8Conv, FromPlanesToChannelsLast) {
  for (const int64_t in : {1, 3, 4, 19}) {
    check_conv({.batch = 2,
                .height = 37,
                .width = 41,
                .in = in,
                .out = 33,
                .kernel = {7, 7},
                .strides = {2, 2},
                .pads = {3, 3, 3, 3},
                .nhwc_input = false});
  }
}

TEST(U8Conv, Groups) {
  for (const int64_t group : {2, 5}) {
    check_conv({.batch = 2, .in = 10, .out = 20, .strides = {2, 1}, .group = group});
    check_conv({.in = 40, .out = 20, .kernel = {1, 1}, .pads = {0, 0, 0, 0}, .group = group, .residual = "before"});
  }
}

TEST(U8Conv, OneDimension) {
  ProblemCase p = make_conv({.in = 5, .out = 21});
  p.inputs[0] = random_floats({2, 19, 5}, 1);
  p.inputs[1] = random_floats({21, 5, 3}, 1);
  p.attrs.set("kernel_shape", std::vector<int64_t>{3});
  p.attrs.set("strides", std::vector<int64_t>{2});
  p.attrs.set("pads", std::vector<int64_t>{1, 0});
  p.attrs.set("dilations", std::vector<int64_t>{1});
  expect_matches_reference(kConv, encode_case(p, {}), kExact);
}

TEST(U8Conv, ResidualsAndEncodings) {
  for (const std::string residual : {"", "before", "after"}) {
    for (const Encoding& y : result_encodings()) {
      for (const Encoding& r : {Encoding{DType::kUInt8, 8, 31}, Encoding{}}) {
        for (const int64_t kernel : {1, 3}) {
          const ConvCase c{.in = 8,
                           .out = 69,
                           .kernel = {kernel, kernel},
                           .pads = {kernel / 2, kernel / 2, kernel / 2, kernel / 2},
                           .residual = residual,
                           .activation = {ActivationKind::kRelu, 0, 0}};
          SCOPED_TRACE(fmt::format("{} R {} Y {}", residual, name_of(r.dtype), name_of(y.dtype)));
          expect_matches_reference(kConv, encode_case(make_conv(c), {.r = r, .y = y}),
                                   r.is_integer() ? kExact : kOneStep);
        }
      }
    }
  }
}

TEST(U8Conv, SiluWithEveryResidual) {
  for (const std::string residual : {"", "before", "after"}) {
    const ConvCase c{.in = 8, .out = 100, .residual = residual, .activation = {ActivationKind::kSilu, 0, 0}};
    const EncodedCase e{{DType::kUInt8, 0.0123F, 130},
                        {DType::kInt8, 0.003F, 0},
                        {DType::kUInt8, 0.02F, 3},
                        {DType::kUInt8, 0.017F, 11}};
    expect_matches_reference(kConv, encode_case(make_conv(c), e), kOneStep);
  }
}

TEST(U8Conv, RowsApart) {
  for (const int64_t kernel : {1, 3}) {
    for (const int64_t in : {5, 8}) {
      for (const int64_t pad : {0, 1}) {
        ProblemCase p = encode_case(make_conv({.batch = 2,
                                               .in = in,
                                               .out = 21,
                                               .kernel = {kernel, kernel},
                                               .pads = {pad, pad, pad, pad},
                                               .residual = "before"}),
                                    {});
        put_rows_apart(p, in, 21);
        expect_matches_reference(kConv, p, kExact);
      }
    }
  }
}

TEST(U8Conv, ImagesLargerThanABand) {
  ProblemCase p = make_conv({.batch = 2, .height = 130, .width = 90, .in = 60, .out = 17});
  expect_matches_reference(kConv, encode_case(p, {.y = {DType::kUInt8, 64, 101}}), {.threads = {2}});
}

}  // namespace
}  // namespace burnish
