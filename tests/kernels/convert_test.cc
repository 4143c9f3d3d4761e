#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/problem_set.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cpu.convert";
using Ints = std::vector<int64_t>;

Tensor scalar_int(DType dtype, int value) {
  return random_tensor(dtype, {}, 1, static_cast<float>(value), static_cast<float>(value));
}

ProblemCase quantize(Tensor x, float scale, DType dtype, int zero) {
  return {.op = "QuantizeLinear",
          .inputs = {std::move(x), Tensor::scalar(DType::kFloat32, scale), scalar_int(dtype, zero)},
          .constant = {false, true, true}};
}

TEST(Convert, QuantizesLikeADivision) {
  uint64_t seed = 0;
  for (const float scale : {1.0F, 0.1F, 0.00731F, 3.0F, 1.3e-20F, 7e19F, 0.25F, 1 / 3.0F}) {
    for (const DType dtype : {DType::kUInt8, DType::kInt8}) {
      const int zero = dtype == DType::kUInt8 ? 113 : -3;
      SCOPED_TRACE(fmt::format("{} {}", scale, name_of(dtype)));
      expect_matches_reference(
          kTactic, quantize(random_floats({7, 4099}, ++seed, -160 * scale, 160 * scale), scale, dtype, zero));
    }
  }
}

/// Quotients on and next to the halves, where one rounding decides.
TEST(Convert, BreaksTiesAsTheReferenceDoes) {
  uint64_t seed = 77;
  for (int round = 0; round < 200; ++round) {
    const float scale = random_floats({1}, ++seed, 0.001F, 4).as<float>()[0];
    std::vector<float> x;
    for (int k = -130; k < 130; ++k) {
      const float half = (static_cast<float>(k) + 0.5F) * scale;
      for (const float to : {-1e30F, 1e30F}) {
        x.push_back(std::nextafter(half, to));
        x.push_back(std::nextafter(x.back(), to));
      }
      x.push_back(half);
    }
    expect_matches_reference(kTactic, quantize(Tensor::from_floats(x), scale, DType::kUInt8, 128), {.threads = {1}});
  }
}

TEST(Convert, ClampsWhatIsFarAway) {
  const float inf = std::numeric_limits<float>::infinity(), big = std::numeric_limits<float>::max();
  const Tensor x = Tensor::from_floats(std::vector<float>{inf, -inf, big, -big, 1e10F, -1e10F, 0, -0.0F, 1e-40F});
  expect_matches_reference(kTactic, quantize(x, 0.5F, DType::kInt8, 7));
  expect_matches_reference(kTactic, quantize(x, 0.5F, DType::kUInt8, 255));
  expect_matches_reference(kTactic, quantize(x, 1e-20F, DType::kUInt8, 0));
}

TEST(Convert, DequantizesEveryNumber) {
  for (const DType dtype : {DType::kUInt8, DType::kInt8}) {
    Tensor x(dtype, {256});
    for (int i = 0; i < 256; ++i) x.as<uint8_t>()[i] = static_cast<uint8_t>(i);
    for (const int zero : {0, 1, 127}) {
      ProblemCase c{.op = "DequantizeLinear",
                    .inputs = {x, Tensor::scalar(DType::kFloat32, 0.0137F), scalar_int(dtype, zero)},
                    .constant = {false, true, true}};
      expect_matches_reference(kTactic, c, {.tolerance = 0});
    }
    ProblemCase c{
        .op = "DequantizeLinear", .inputs = {x, Tensor::scalar(DType::kFloat32, 0.0137F)}, .constant = {false, true}};
    expect_matches_reference(kTactic, c, {.tolerance = 0});
  }
}

TEST(Convert, HasOneScaleForEachIndexOfAnAxis) {
  for (const int64_t axis : {0, 1, -2}) {
    const int64_t n = axis == 0 ? 3 : axis == 1 ? 5 : 7;
    ProblemCase c{.op = "QuantizeLinear",
                  .inputs = {random_floats({3, 5, 7, 37}, 1), random_floats({n}, 2, 0.01F, 0.05F),
                             random_tensor(DType::kUInt8, {n}, 3, 0, 255)},
                  .constant = {false, true, true}};
    c.attrs.set("axis", axis);
    expect_matches_reference(kTactic, c);
    c.input_strides = {40};
    c.output_strides = {39};
    expect_matches_reference(kTactic, c);
    c.inputs[0] = reference_of(c)[0];
    c.op = "DequantizeLinear";
    expect_matches_reference(kTactic, c, {.tolerance = 0});
  }
}

TEST(Convert, CastsBetweenFloats) {
  const float inf = std::numeric_limits<float>::infinity();
  Tensor x = random_floats({5, 811}, 1, -300, 300);
  const float special[] = {inf, -inf, 0, -0.0F, 1.2e-38F, 65519, 65520, 1e-7F, 3e-8F, 2.9e-8F, 1.00390625F, 1.01171875F};
  std::copy(std::begin(special), std::end(special), x.as<float>());
  const std::pair<DType, int64_t> types[] = {{DType::kFloat32, 1}, {DType::kFloat16, 10}, {DType::kBFloat16, 16}};
  for (const auto& [from, from_number] : types) {
    for (const auto& [to, to_number] : types) {
      SCOPED_TRACE(fmt::format("{} to {}", name_of(from), name_of(to)));
      ProblemCase c{.op = "Cast", .inputs = {encoded(x, {from})}};
      c.attrs.set("to", to_number);
      expect_matches_reference(kTactic, c, {.tolerance = 0});
    }
  }
  for (const DType from : {DType::kInt8, DType::kUInt8}) {
    ProblemCase c{.op = "Cast", .inputs = {random_tensor(from, {1023}, 2, 0, 127)}};
    c.attrs.set("to", int64_t{16});
    expect_matches_reference(kTactic, c);
  }
}

TEST(Convert, KeepsNan) {
  Tensor x = random_floats({40}, 1);
  for (int64_t i = 0; i < 40; i += 3) x.as<float>()[i] = std::numeric_limits<float>::quiet_NaN();
  for (const int64_t to : {10, 16}) {
    ProblemCase c{.op = "Cast", .inputs = {x}};
    c.attrs.set("to", to);
    expect_matches_reference(kTactic, c, {.steps = 1});
  }
}

TEST(Convert, EncodesAnew) {
  const Encoding encodings[] = {
      {DType::kFloat32}, {DType::kBFloat16}, {DType::kFloat16}, {DType::kUInt8, 0.011F, 99}, {DType::kInt8, 0.013F, 4}};
  for (const Encoding& from : encodings) {
    for (const Encoding& to : encodings) {
      ProblemCase c{.op = "Pointwise", .inputs = {encoded(random_floats({3, 7, 93}, 5), from)}};
      c.attrs.set("program", std::vector<std::string>{"none i0"});
      set_input_encoding(c.attrs, 0, 1, from);
      set_output_encoding(c.attrs, to);
      expect_matches_reference(kTactic, c, {.tolerance = 0});
      c.input_strides = {96};
      c.output_strides = {95};
      expect_matches_reference(kTactic, c, {.tolerance = 0});
    }
  }
}

TEST(Convert, LeavesOtherScalesAlone) {
  const Tensor x = random_floats({4, 6}, 1);
  ProblemCase c = quantize(x, 0.1F, DType::kInt8, 0);
  const auto supported = [&] {
    return find_tactic(kTactic)->supports(make_problem(c, reference_of(c)), target_with(Isa::kAvx512, 1));
  };
  EXPECT_TRUE(supported());
  c.constant[1] = false;
  EXPECT_FALSE(supported());
  c = quantize(x, 1e-35F, DType::kInt8, 0);
  EXPECT_FALSE(supported());
}

}  // namespace
}  // namespace burnish::testing
