#include "ops/numeric.h"

#include <cmath>

#include "base/error.h"
#include "ops/minifloat.h"
#include "ops/op_tester.h"

namespace burnish {
namespace {

int64_t broadcast_offset(const Shape& out, const Shape& in, int64_t at) {
  int64_t offset = 0;
  int64_t stride = 1;
  for (int i = out.rank() - 1, k = in.rank() - 1; i >= 0; --i, --k) {
    const int64_t index = at % out[i];
    at /= out[i];
    if (k < 0) continue;
    offset += in[k] == 1 ? 0 : index * stride;
    stride *= in[k];
  }
  return offset;
}

TEST(BroadcastLoop, AgreesWithIndexArithmetic) {
  const std::vector<std::pair<Shape, Shape>> cases{
      {{}, {}},         {{3}, {1}},      {{2, 3}, {3}},    {{2, 1, 4}, {3, 1}},
      {{1, 5}, {4, 1}}, {{2, 3, 4}, {}}, {{7}, {2, 3, 7}}, {{2, 3, 1, 1}, {2, 1, 5, 3}},
      {{0, 2}, {2}},    {{1, 1}, {1}}};
  for (const auto& [a, b] : cases) {
    const Shape out = broadcast(a, b);
    std::vector<int64_t> pa(static_cast<size_t>(a.num_elements()));
    std::vector<int64_t> pb(static_cast<size_t>(b.num_elements()));
    for (size_t i = 0; i < pa.size(); ++i) pa[i] = static_cast<int64_t>(i);
    for (size_t i = 0; i < pb.size(); ++i) pb[i] = static_cast<int64_t>(1000 * i);
    std::vector<int64_t> y(static_cast<size_t>(out.num_elements()), -1);
    broadcast_binary(out, a, pa.data(), b, pb.data(), y.data(), [](int64_t p, int64_t q) { return p + q; });
    for (int64_t i = 0; i < out.num_elements(); ++i)
      ASSERT_EQ(y[static_cast<size_t>(i)], broadcast_offset(out, a, i) + 1000 * broadcast_offset(out, b, i))
          << to_string(a) << to_string(b) << i;
  }
  const std::array bad{Shape{3}};
  EXPECT_THROW(BroadcastLoop(Shape{2}, bad), Error);
}

TEST(Numeric, ElementTypeNumbers) {
  EXPECT_EQ(dtype_of_number(1), DType::kFloat32);
  EXPECT_EQ(dtype_of_number(26), DType::kInt2);
  for (const int64_t n : {-1, 0, 8, 14, 15, 27}) EXPECT_THROW(dtype_of_number(n), Error) << n;
  EXPECT_EQ(dtype_attribute(attributes({{"to", std::string("float16")}}), "to", DType::kInt8), DType::kFloat16);
  EXPECT_EQ(dtype_attribute({}, "to", DType::kInt8), DType::kInt8);
}

constexpr std::array kFormats{DType::kFloat8E4M3FN, DType::kFloat8E4M3FNUZ, DType::kFloat8E5M2, DType::kFloat8E5M2FNUZ,
                              DType::kFloat4E2M1};

int num_codes(DType dtype) {
  return dtype == DType::kFloat4E2M1 ? 16 : 256;
}

TEST(MiniFloat, EveryCodeSurvives) {
  for (const DType dtype : kFormats)
    for (int code = 0; code < num_codes(dtype); ++code) {
      const float value = decode_minifloat(dtype, static_cast<uint8_t>(code));
      const uint8_t again = encode_minifloat(dtype, value, false);
      EXPECT_TRUE(std::isnan(value) ? std::isnan(decode_minifloat(dtype, again)) : again == code)
          << name_of(dtype) << value;
    }
}

// The nearest of all codes; of two equally near ones the even.
float nearest(DType dtype, float x) {
  float best = 0;
  int best_code = 0;
  for (int code = 0; code < num_codes(dtype); ++code) {
    const float v = decode_minifloat(dtype, static_cast<uint8_t>(code));
    if (!std::isfinite(v)) continue;
    const double d = std::fabs(static_cast<double>(v) - x);
    const double b = std::fabs(static_cast<double>(best) - x);
    if (d < b || (d == b && code % 2 == 0 && best_code % 2 != 0)) {
      best = v;
      best_code = code;
    }
  }
  return best;
}

TEST(MiniFloat, RoundsToTheNearest) {
  std::mt19937 rng(3);
  for (const DType dtype : kFormats)
    for (int i = 0; i < 400; ++i) {
      const int exponent = static_cast<int>(rng() % 30) - 18;
      // Few mantissa bits, so that ties are frequent.
      const float x = std::ldexp(static_cast<float>(rng() % 64) - 32, exponent - 4);
      EXPECT_EQ(decode_minifloat(dtype, encode_minifloat(dtype, x, true)), nearest(dtype, x)) << name_of(dtype) << x;
    }
}

TEST(MiniFloat, Overflow) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(encode_minifloat(DType::kFloat8E4M3FN, infinity, true), 0x7e);
  EXPECT_EQ(encode_minifloat(DType::kFloat8E4M3FN, -infinity, false), 0xff);
  EXPECT_EQ(encode_minifloat(DType::kFloat8E5M2, 1e9F, false), 0x7c);
  EXPECT_EQ(encode_minifloat(DType::kFloat8E5M2, -1e9F, true), 0xfb);
  EXPECT_EQ(encode_minifloat(DType::kFloat8E4M3FNUZ, -1e9F, false), 0x80);
  EXPECT_EQ(encode_minifloat(DType::kFloat8E4M3FNUZ, -0.0F, true), 0);
  EXPECT_EQ(encode_minifloat(DType::kFloat4E2M1, 100, false), 7);
}

TEST(MiniFloat, PowersOfTwo) {
  EXPECT_EQ(encode_e8m0(1, true, E8M0Rounding::kUp), 127);
  EXPECT_EQ(encode_e8m0(1.1F, true, E8M0Rounding::kUp), 128);
  EXPECT_EQ(encode_e8m0(1.1F, true, E8M0Rounding::kDown), 127);
  EXPECT_EQ(encode_e8m0(1.5F, true, E8M0Rounding::kNearest), 128);
  EXPECT_EQ(encode_e8m0(1.25F, true, E8M0Rounding::kNearest), 127);
  EXPECT_EQ(encode_e8m0(std::numeric_limits<float>::max(), true, E8M0Rounding::kUp), 0xfe);
  EXPECT_EQ(decode_minifloat(DType::kFloat8E8M0, 130), 8);
  EXPECT_TRUE(std::isnan(decode_minifloat(DType::kFloat8E8M0, 0xff)));
  EXPECT_THROW(parse_e8m0_rounding("sideways"), Error);
}

TEST(Elements, SmallIntegersKeepLowBitsOfIntegersAndSaturateFloats) {
  uint8_t byte = 0;
  const TensorView int4{DType::kInt4, Shape{}, &byte};
  const int64_t big = 9;
  store_elements<int64_t>(&big, int4);
  int64_t back = 0;
  load_elements<int64_t>(int4, &back);
  EXPECT_EQ(back, -7);
  const float large = 9;
  store_elements<float>(&large, int4);
  load_elements<int64_t>(int4, &back);
  EXPECT_EQ(back, 7);
}

}  // namespace
}  // namespace burnish
