// assign_layout and sink_transposes.
#include <gtest/gtest.h>

#include "ir/text.h"
#include "pass_tester.h"

namespace burnish {
namespace {

/// Whole pipelines, where the interplay is what matters: the lines, and the same numbers.
void expect_optimised(std::string_view text, const Lines& lines) {
  Graph original = parse_graph(text);
  original.infer();
  Graph graph = original;
  PipelineOptions options;
  options.verify = true;
  run_passes(graph, options);
  EXPECT_EQ(lines_of(graph), lines);
  expect_same_numbers(original, graph, random_inputs(original));
}

/// Operators in order, without their operands.
std::vector<std::string> ops_of(std::string_view text) {
  Graph original = parse_graph(text);
  original.infer();
  Graph graph = original;
  PipelineOptions options;
  options.verify = true;
  run_passes(graph, options);
  expect_same_numbers(original, graph, random_inputs(original));
  std::vector<std::string> ops;
  for (NodeId id : graph.topological_order()) ops.push_back(graph.node(id).op);
  return ops;
}

using Ops = std::vector<std::string>;

TEST(AssignLayout, ALoneConvolutionStaysAsItIs) {
  EXPECT_EQ(ops_of(R"(graph "g" {
    input %x: float32[n,8,6,6]
    const %w: float32[8,8,3,3]
    %y = Conv(%x, %w)
    output "y" = %y
  })"),
            (Ops{"FusedConv"}));
}

TEST(AssignLayout, ImagesOfFewChannelsAreReadAsTheyCome) {
  expect_optimised(R"(graph "g" {
    input %x: float32[n,3,6,6]
    const %w: float32[8,3,1,1]
    const %v: float32[8,8,1,1]
    %a = Conv(%x, %w)
    %b = Relu(%a)
    %c = Conv(%b, %v)
    %g = GlobalAveragePool(%c)
    %y = Flatten(%g)
    output "y" = %y
  })",
                   {"%0 = FusedConv(x, float32[8,3,1,1]) {activation=\"relu\", dilations=[1,1], group=1, "
                    "kernel_shape=[1,1], output_layout=\"NHWC\", pads=[0,0,0,0], strides=[1,1]}",
                    "%1 = FusedConv(%0, float32[8,8,1,1]) {dilations=[1,1], group=1, input_layout=\"NHWC\", "
                    "kernel_shape=[1,1], output_layout=\"NHWC\", pads=[0,0,0,0], strides=[1,1]}",
                    "%2 = GlobalAveragePool(%1) {layout=\"NHWC\"}", "%3 = Reshape(%2, {0,8})", "y = %3"});
}

TEST(AssignLayout, MeansOverTheImageArePoolings) {
  EXPECT_EQ(ops_of(R"(graph "g" {
    input %x: float32[n,3,6,6]
    const %w: float32[8,3,1,1]
    const %v: float32[8,8,1,1]
    const %axes: int64[2] = {-1, -2}
    %a = Conv(%x, %w)
    %c = Conv(%a, %v)
    %y = ReduceMean(%c, %axes) {keepdims=0}
    output "y" = %y
  })"),
            (Ops{"FusedConv", "FusedConv", "GlobalAveragePool", "Reshape"}));
}

TEST(AssignLayout, WhatLiesBetweenIsRewritten) {
  EXPECT_EQ(ops_of(R"(graph "g" {
    input %x: float32[n,3,8,8]
    const %w: float32[4,3,3,3]
    const %v: float32[6,8,3,3]
    const %channel: float32[1,8,1,1]
    const %pads: int64[8] = {0, 0, 1, 2, 0, 0, 3, 4}
    const %starts: int64[1] = {1}
    const %ends: int64[1] = {7}
    const %axes: int64[1] = {2}
    const %mean_axes: int64[1] = {1}
    const %parts: int64[2] = {2, 4}
    %a = Conv(%x, %w) {pads=[1,1,1,1]}
    %b = MaxPool(%a) {kernel_shape=[3,3], pads=[1,1,1,1]}
    %c = Concat(%a, %b) {axis=1}
    %d = Sub(%channel, %c)
    %e = Pad(%d, %pads)
    %f = Slice(%e, %starts, %ends, %axes)
    %g = Conv(%f, %v)
    %h, %i = Split(%g, %parts) {axis=1}
    %j = Softmax(%i) {axis=1}
    %k = ReduceMax(%j, %mean_axes) {keepdims=1}
    %m = Mul(%j, %k)
    const %u: float32[2,4,1,1]
    %o = Conv(%m, %u)
    %s = Add(%o, %h)
    %q = GlobalMaxPool(%s)
    %y = Flatten(%q)
    output "y" = %y
  })"),
            (Ops{"FusedConv", "MaxPool", "Concat", "Sub", "Pad", "Slice", "FusedConv", "Split", "Softmax", "ReduceMax",
                 "Mul", "FusedConv", "GlobalMaxPool", "Reshape"}));
}

TEST(AssignLayout, SqueezeAndExciteNeedsNoTranspose) {
  EXPECT_EQ(ops_of(R"(graph "g" {
    input %x: float32[n,3,4,4]
    const %w: float32[8,3,3,3]
    const %f1: float32[8,2]
    const %f2: float32[2,8]
    const %v: float32[8,8,1,1]
    const %back: int64[4] = {0, 8, 1, 1}
    %a = Conv(%x, %w) {pads=[1,1,1,1]}
    %g = GlobalAveragePool(%a)
    %h = Flatten(%g)
    %i = MatMul(%h, %f1)
    %j = Relu(%i)
    %k = MatMul(%j, %f2)
    %l = Sigmoid(%k)
    %m = Reshape(%l, %back)
    %n = Mul(%a, %m)
    %o = Conv(%n, %v)
    %p = GlobalAveragePool(%o)
    %y = Flatten(%p)
    output "y" = %y
  })"),
            (Ops{"FusedConv", "GlobalAveragePool", "Reshape", "FusedMatMul", "FusedMatMul", "Reshape", "Mul",
                 "FusedConv", "GlobalAveragePool", "Reshape"}));
}

TEST(AssignLayout, DetectionHeadsTransposeOnce) {
  expect_optimised(R"(graph "g" {
    input %x: float32[n,3,4,5]
    const %w: float32[8,3,1,1]
    const %v: float32[6,8,1,1]
    const %split: int64[5] = {0, 2, 3, 4, 5}
    %a = Conv(%x, %w)
    %b = Conv(%a, %v)
    %c = Reshape(%b, %split)
    %d = Transpose(%c) {perm=[0,1,3,4,2]}
    %y = Sigmoid(%d)
    output "y" = %y
  })",
                   {"%0 = FusedConv(x, float32[8,3,1,1]) {dilations=[1,1], group=1, kernel_shape=[1,1], "
                    "output_layout=\"NHWC\", pads=[0,0,0,0], strides=[1,1]}",
                    "%1 = FusedConv(%0, float32[6,8,1,1]) {activation=\"sigmoid\", dilations=[1,1], group=1, "
                    "input_layout=\"NHWC\", kernel_shape=[1,1], output_layout=\"NHWC\", pads=[0,0,0,0], strides=[1,1]}",
                    "%2 = Reshape(%1, {0,4,5,2,3})", "%3 = Transpose(%2) {perm=[0,3,1,2,4]}", "y = %3"});
}

TEST(AssignLayout, OutputsKeepTheirLayout) {
  EXPECT_EQ(ops_of(R"(graph "g" {
    input %x: float32[n,8,4,4]
    input %z: float32[n,8,4,4]
    const %v: float32[8,8,1,1]
    const %u: float32[8,8,1,1]
    %a = Conv(%x, %v)
    %b = Conv(%a, %u)
    %y = Mul(%b, %z)
    output "y" = %y
  })"),
            (Ops{"Transpose", "FusedConv", "FusedConv", "Transpose", "Mul"}));
}

TEST(SinkTransposes, ThroughElementwiseNodesWithConstants) {
  expect_rewrite("sink_transposes", R"(graph "g" {
    input %x: float32[n,4,5,2]
    const %c: float32[2,1,1] = {1, 2}
    const %s: float32[] = {3}
    %t = Transpose(%x) {perm=[0,3,1,2]}
    %a = Mul(%t, %c)
    %b = Add(%s, %a)
    %y = Transpose(%b) {perm=[0,2,3,1]}
    output "y" = %y
  })",
                 {"%0 = Mul(x, {1,2})", "%1 = Add({3}, %0)", "y = %1"}, {"eliminate_dead_code"});
}

TEST(SinkTransposes, JoiningDimensionsThatLieTogether) {
  expect_rewrite("sink_transposes", R"(graph "g" {
    input %x: float32[n,4,5,2]
    const %join: int64[3] = {0, 2, 20}
    %t = Transpose(%x) {perm=[0,3,1,2]}
    %r = Reshape(%t, %join)
    %y = Transpose(%r) {perm=[0,2,1]}
    output "y" = %y
  })",
                 {"%0 = Reshape(x, {0,20,2})", "y = %0"}, {"eliminate_dead_code"});
}

TEST(SinkTransposes, JoiningDimensionsThatDoNotStay) {
  expect_unchanged("sink_transposes", R"(graph "g" {
    input %x: float32[n,4,5,2]
    const %join: int64[3] = {0, 8, 5}
    %t = Transpose(%x) {perm=[0,3,1,2]}
    %r = Reshape(%t, %join)
    %y = Transpose(%r) {perm=[0,2,1]}
    output "y" = %y
  })");
}

}  // namespace
}  // namespace burnish
