#include <gtest/gtest.h>

#include "ir/text.h"
#include "pass_tester.h"
#include "passes/pass.h"

namespace burnish {
namespace {

constexpr std::string_view kHead = R"(graph "g" {
    input %x: float32[n,4,6]
    const %c: float32[1] = {2}
    const %s0: int64[1] = {0}
    const %s2: int64[1] = {2}
    const %s6: int64[1] = {6}
    const %axis: int64[1] = {1}
    %t = Transpose(%x) {perm=[0,2,1]}
    %a = Slice(%t, %s0, %s2, %axis)
    %b = Slice(%t, %s2, %s6, %axis)
    %m = Pointwise(%a, %c) {program=["mul i0 i1"]}
    output "m" = %m
    output "b" = %b
  })";

Graph absorbed(std::string_view text) {
  Graph graph = parse_graph(text);
  graph.infer();
  PassContext context;
  context.strided_reads = true;
  EXPECT_TRUE(run_pass("absorb_views", graph, context));
  graph.verify();
  return graph;
}

TEST(AbsorbViews, SlicesOfATransposeAreReadInPlace) {
  Graph before = parse_graph(kHead);
  before.infer();
  const Graph after = absorbed(kHead);
  EXPECT_EQ(histogram(after), (std::map<std::string, int>{{"Pointwise", 2}}));
  expect_same_numbers(before, after, random_inputs(before));
}

TEST(AbsorbViews, OnlyWhereKernelsReadSo) {
  expect_unchanged("absorb_views", kHead);
}

TEST(AbsorbViews, ASliceAloneStaysASlice) {
  Graph graph = parse_graph(R"(graph "g" {
    input %x: float32[n,4]
    const %s1: int64[1] = {1}
    const %s3: int64[1] = {3}
    %y = Slice(%x, %s1, %s3, %s1)
    output "y" = %y
  })");
  graph.infer();
  PassContext context;
  context.strided_reads = true;
  EXPECT_FALSE(run_pass("absorb_views", graph, context));
}

}  // namespace
}  // namespace burnish
