// Models that carry QuantizeLinear and DequantizeLinear.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ir/text.h"
#include "pass_tester.h"

namespace burnish {
namespace {

/// Parameters per tensor.
struct Grid {
  double scale;
  int zero;
  std::string dtype = "uint8";
};
const Grid kFine{0.05, 120}, kCoarse{0.08, 100}, kPositive{0.04, 10};

/// %to is %from, quantised and dequantised.
std::string rounded(const std::string& to, const std::string& from, const Grid& grid) {
  return fmt::format(R"(
    const %{0}_scale: float32[] = {{{2}}}
    const %{0}_zero: {4}[] = {{{3}}}
    %{0}_integers = QuantizeLinear(%{1}, %{0}_scale, %{0}_zero)
    %{0} = DequantizeLinear(%{0}_integers, %{0}_scale, %{0}_zero)
)",
                     to, from, grid.scale, grid.zero, grid.dtype);
}

/// A constant of integers with its parameters, each as type and elements, dequantised.
struct Stored {
  std::string integers, scales, zeros;
  std::string attributes = "{}";
};
std::string dequantised(const std::string& to, const Stored& from) {
  return fmt::format(R"(
    const %{0}_integers: {1}
    const %{0}_scale: {2}
    const %{0}_zero: {3}
    %{0} = DequantizeLinear(%{0}_integers, %{0}_scale, %{0}_zero) {4}
)",
                     to, from.integers, from.scales, from.zeros, from.attributes);
}

/// Operators and element types of what the whole pipeline makes of these lines, whose last value is %y. It must mean
/// the same up to one step of the output's scale.
Lines optimised(const std::string& lines, double tolerance = 0.02) {
  Graph original = parse_graph("graph \"g\" {\n" + lines + "\n output \"y\" = %y\n}");
  original.infer();
  Graph graph = original;
  PipelineOptions options;
  options.verify = true;
  run_passes(graph, options);
  expect_same_numbers(original, graph, random_inputs(original), tolerance);
  return ops_and_types(graph);
}

constexpr const char* kImage = "input %x: float32[1,4,3,3]\n";
constexpr const char* kMatrix = "input %x: float32[2,4]\n";
constexpr const char* kKernel = "int8[2,4,1,1] = {1, -2, 3, 4, -5, 60, 7, -128}";

TEST(FuseQuantization, AConvolutionBetweenThemComputesOnIntegers) {
  const Stored weights{kKernel, "float32[2] = {0.01, 0.02}", "int8[2] = {0, 0}", "{axis=0}"};
  EXPECT_EQ(optimised(kImage + rounded("d", "x", kFine) + dequantised("w", weights) + R"(
    const %b: float32[2] = {0.5, -0.25}
    %c = Conv(%d, %w, %b)
    %r = Relu(%c))" + rounded("y", "r", kPositive)),
            (Lines{"QuantizeLinear uint8", "FusedConv uint8", "DequantizeLinear float32"}));
}

TEST(FuseQuantization, NormalisationBehindStoredWeightsGoesIntoTheirScales) {
  const Stored weights{kKernel, "float32[] = {0.01}", "int8[] = {0}"};
  EXPECT_EQ(optimised(kImage + rounded("d", "x", kFine) + dequantised("w", weights) + R"(
    const %gamma: float32[2] = {1.5, -0.5}
    const %beta: float32[2] = {0.25, 1}
    const %mean: float32[2] = {0.1, -0.2}
    const %variance: float32[2] = {0.5, 2}
    %c = Conv(%d, %w)
    %n = BatchNormalization(%c, %gamma, %beta, %mean, %variance)
    %r = Relu(%n))" + rounded("y", "r", kPositive)),
            (Lines{"QuantizeLinear uint8", "FusedConv uint8", "DequantizeLinear float32"}));
}

TEST(FuseQuantization, SignedActivationsBecomeUnsigned) {
  const Stored weights{"uint8[4,3] = {128, 129, 130, 1, 255, 120, 128, 100, 90, 140, 150, 160}", "float32[] = {0.02}",
                       "uint8[] = {128}"};
  EXPECT_EQ(optimised(kMatrix + rounded("d", "x", {0.05, -3, "int8"}) + dequantised("w", weights) + R"(
    %y = MatMul(%d, %w))",
                      1e-5),
            (Lines{"QuantizeLinear uint8", "FusedMatMul float32"}));
}

TEST(FuseQuantization, NothingIsConvertedWhereElementsOnlyMove) {
  EXPECT_EQ(optimised("input %x: float32[1,4,4,4]" + rounded("d", "x", kFine) + R"(
    %m = MaxPool(%d) {kernel_shape=[2,2], strides=[2,2]})" +
                          rounded("e", "m", kFine) + R"(
    const %shape: int64[2] = {4, 4}
    %v = Reshape(%e, %shape))" +
                          rounded("y", "v", kFine),
                      1e-6),
            (Lines{"QuantizeLinear uint8", "MaxPool uint8", "Reshape uint8", "DequantizeLinear float32"}));
}

TEST(FuseQuantization, AdditionsReadAndWriteIntegers) {
  EXPECT_EQ(optimised(kMatrix + rounded("d", "x", kFine) + rounded("e", "x", kCoarse) + R"(
    %a = Add(%d, %e))" +
                      rounded("y", "a", kCoarse)),
            (Lines{"QuantizeLinear uint8", "QuantizeLinear uint8", "Pointwise uint8", "DequantizeLinear float32"}));
}

TEST(FuseQuantization, WeightsAloneAreFolded) {
  const Stored weights{"int8[4,3] = {1, 2, 3, -4, 5, 6, 7, 8, -9, 1, 2, 3}", "float32[3] = {0.02, 0.5, 0.25}",
                       "int8[3] = {0, 0, 0}", "{axis=1}"};
  EXPECT_EQ(optimised(kMatrix + dequantised("w", weights) + R"(
    %y = MatMul(%x, %w))",
                      1e-6),
            (Lines{"FusedMatMul float32"}));
}

/// Zero points that differ from the middle would need sums over the activations: such weights are decoded.
TEST(FuseQuantization, AsymmetricWeightsAreFolded) {
  const Stored weights{"uint8[4,1] = {1, 2, 3, 4}", "float32[] = {0.02}", "uint8[] = {7}"};
  EXPECT_EQ(optimised(kMatrix + rounded("d", "x", kFine) + dequantised("w", weights) + R"(
    %y = MatMul(%d, %w))",
                      1e-5),
            (Lines{"QuantizeLinear uint8", "DequantizeLinear float32", "FusedMatMul float32"}));
}

TEST(FuseQuantization, RowsOfATableAreDequantisedAfterTheyArePicked) {
  EXPECT_EQ(optimised("input %i: int64[2]" +
                          dequantised("table", {"uint8[1100000,1]", "float32[] = {0.05}", "uint8[] = {2}"}) + R"(
    %y = Gather(%table, %i))",
                      1e-6),
            (Lines{"Gather uint8", "DequantizeLinear float32"}));
}

TEST(FuseQuantization, TransposesPassThrough) {
  const Stored weights{"int8[8,8,1,1]", "float32[] = {0.01}", "int8[] = {0}"};
  EXPECT_EQ(
      optimised("input %x: float32[1,8,4,4]" + rounded("d", "x", kFine) + dequantised("w", weights) + R"(
    %c = Conv(%d, %w))" +
                rounded("e", "c", kFine) + R"(
    %f = Conv(%e, %w)
    %y = Relu(%f))"),
      (Lines{"QuantizeLinear uint8", "Transpose uint8", "FusedConv uint8", "FusedConv float32", "Transpose float32"}));
}

}  // namespace
}  // namespace burnish
