#include <gtest/gtest.h>

#include "ir/text.h"
#include "ops/fused.h"
#include "pass_tester.h"
#include "passes/pass.h"
#include "passes/precision.h"

namespace burnish {
namespace {

using Histogram = std::map<std::string, int>;

/// Of one image: two alike, one with another activation, one with a residual, one of another stride.
constexpr std::string_view kConvolutions = R"(graph "g" {
    input %x: float32[n,6,6,8]
    const %w0: float32[8,8,1,1]
    const %w1: float32[16,8,1,1]
    const %w2: float32[8,8,1,1]
    const %w3: float32[8,8,1,1]
    const %w4: float32[8,8,1,1]
    const %b1: float32[16]
    %a = FusedConv(%x, %w0) {input_layout="NHWC", output_layout="NHWC", activation="silu"}
    %b = FusedConv(%x, %w1, %b1) {input_layout="NHWC", output_layout="NHWC", activation="silu"}
    %c = FusedConv(%x, %w2) {input_layout="NHWC", output_layout="NHWC"}
    %d = FusedConv(%x, %w3, _, %c) {input_layout="NHWC", output_layout="NHWC", activation="silu", residual="before"}
    %e = FusedConv(%x, %w4) {input_layout="NHWC", output_layout="NHWC", activation="silu", strides=[2,2]}
    output "a" = %a
    output "b" = %b
    output "d" = %d
    output "e" = %e
  })";

Graph inferred(std::string_view text) {
  Graph graph = parse_graph(text);
  graph.infer();
  return graph;
}

/// After the pass, with the same numbers as before.
Graph fused(std::string_view text, bool changes = true) {
  const Graph before = inferred(text);
  Graph after = before;
  PassContext context;
  context.several_results = true;
  EXPECT_EQ(run_pass("fuse_siblings", after, context), changes);
  after.verify();
  expect_same_numbers(before, after, random_inputs(before));
  return after;
}

TEST(FuseSiblings, ConvolutionsThatDifferInTheirWeightsOnly) {
  const Graph after = fused(kConvolutions);
  EXPECT_EQ(histogram(after), (Histogram{{"FusedConv", 3}, {"JoinedConv", 1}}));
  const Node* joined = after.producer(after.find_value("a"));
  ASSERT_NE(joined, nullptr);
  EXPECT_EQ(joined, after.producer(after.find_value("b")));
  EXPECT_EQ(joined->attrs.get_ints(kParts), (std::vector<int64_t>{8, 16}));
}

TEST(FuseSiblings, OnlyWhereKernelsWriteSeveralResults) {
  expect_unchanged("fuse_siblings", kConvolutions);
}

TEST(FuseSiblings, ProductsWithTransposedWeightsAndWithout) {
  const Graph after = fused(R"(graph "g" {
    input %x: float32[n,5,6]
    const %u: float32[6,3]
    const %v: float32[4,6]
    const %b: float32[4]
    %a = FusedMatMul(%x, %u) {alpha=0.5, activation="relu"}
    %c = FusedMatMul(%x, %v, %b) {alpha=0.5, activation="relu", transB=1}
    output "a" = %a
    output "c" = %c
  })");
  EXPECT_EQ(histogram(after), (Histogram{{"JoinedMatMul", 1}}));
}

TEST(FuseSiblings, FiveBecomeTwoAndThree) {
  const Graph after = fused(R"(graph "g" {
    input %x: float32[n,6]
    const %w0: float32[6,1]
    const %w1: float32[6,2]
    const %w2: float32[6,3]
    const %w3: float32[6,4]
    const %w4: float32[6,5]
    %y0 = FusedMatMul(%x, %w0)
    %y1 = FusedMatMul(%x, %w1)
    %y2 = FusedMatMul(%x, %w2)
    %y3 = FusedMatMul(%x, %w3)
    %y4 = FusedMatMul(%x, %w4)
    output "y0" = %y0
    output "y1" = %y1
    output "y2" = %y2
    output "y3" = %y3
    output "y4" = %y4
  })");
  EXPECT_EQ(histogram(after), (Histogram{{"JoinedMatMul", 2}}));
  EXPECT_EQ(after.producer(after.find_value("y1"))->outputs.size(), 2);
  EXPECT_EQ(after.producer(after.find_value("y2"))->outputs.size(), 3);
}

TEST(FuseSiblings, NotWhatKernelsForSeveralResultsDoNotRun) {
  fused(R"(graph "g" {
    input %x: float32[n,8,6,6]
    input %m: float32[6,8]
    const %w0: float32[8,8,1,1]
    const %w1: float32[8,8,1,1]
    const %g0: float32[8,4,1,1]
    const %g1: float32[8,4,1,1]
    const %k0: float32[8,8,3,3]
    const %u: float32[6,3]
    %a = FusedConv(%x, %w0)
    %b = FusedConv(%x, %w1)
    %t = Transpose(%x) {perm=[0,2,3,1]}
    %c = FusedConv(%t, %g0) {input_layout="NHWC", output_layout="NHWC", group=2}
    %d = FusedConv(%t, %g1) {input_layout="NHWC", output_layout="NHWC", group=2}
    %e = FusedConv(%t, %w0) {input_layout="NHWC", output_layout="NHWC"}
    %f = FusedConv(%t, %k0) {input_layout="NHWC", output_layout="NHWC"}
    %h = FusedMatMul(%m, %u) {transA=1}
    %i = FusedMatMul(%m, %m) {transA=1}
    output "a" = %a
    output "b" = %b
    output "c" = %c
    output "d" = %d
    output "e" = %e
    output "f" = %f
    output "h" = %h
    output "i" = %i
  })",
        false);
}

/// The block of YOLO's C3: two convolutions of one image, of which one goes on and both are concatenated.
constexpr std::string_view kBlock = R"(graph "g" {
    input %x: float32[n,16,6,6]
    const %w: float32[16,16,3,3]
    const %w0: float32[8,16,1,1]
    const %w1: float32[8,16,1,1]
    const %w2: float32[8,8,3,3]
    const %w3: float32[16,16,1,1]
    %s = Conv(%x, %w) {pads=[1,1,1,1]}
    %h = Relu(%s)
    %c0 = Conv(%h, %w0)
    %a0 = Relu(%c0)
    %c1 = Conv(%h, %w1)
    %a1 = Relu(%c1)
    %c2 = Conv(%a0, %w2) {pads=[1,1,1,1]}
    %a2 = Relu(%c2)
    %sum = Add(%a0, %a2)
    %cat = Concat(%sum, %a1) {axis=1}
    %y = Conv(%cat, %w3)
    output "y" = %y
  })";

PipelineOptions for_gpus(const PrecisionPlan* precision, bool several_results) {
  PipelineOptions options;
  options.verify = true;
  options.precision = precision;
  options.several_results = several_results;
  return options;
}

TEST(FuseSiblings, OfABlockStoredNarrow) {
  PrecisionPlan narrow;
  narrow.floats = DType::kFloat16;
  const PrecisionPlan nothing;
  const Graph original = inferred(kBlock);
  Graph at_once = original, lowered = original;
  const PipelineReport report = run_passes(at_once, for_gpus(&narrow, true));
  EXPECT_EQ(report.fused.at("sibling FusedConv"), 2);
  EXPECT_EQ(histogram(at_once)["JoinedConv"], 1);
  expect_same_numbers(original, at_once, random_inputs(original), 1e-2);
  run_passes(lowered, for_gpus(&nothing, false));
  EXPECT_EQ(histogram(lowered)["JoinedConv"], 0);
  lower_passes(lowered, for_gpus(&narrow, true));
  EXPECT_EQ(lines_of(lowered), lines_of(at_once));
}

}  // namespace
}  // namespace burnish
