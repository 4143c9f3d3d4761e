#include <gtest/gtest.h>

#include "ir/text.h"
#include "ops/fused.h"
#include "pass_tester.h"
#include "passes/pass.h"

namespace burnish {
namespace {

constexpr std::string_view kProducts = R"(graph "g" {
    input %x: float32[n,2]
    input %h: float16[n,2]
    const %w: float32[2,1] = {2,3}
    const %v: float16[2,1] = {2,3}
    %a = FusedMatMul(%x, %w)
    %b = FusedMatMul(%h, %v)
    output "a" = %a
    output "b" = %b
  })";

TEST(AllowTf32, MarksFloatProductsOnly) {
  Graph graph = parse_graph(kProducts);
  graph.infer();
  PassContext context;
  context.tf32 = true;
  EXPECT_TRUE(run_pass("allow_tf32", graph, context));
  graph.verify();
  for (const NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    EXPECT_EQ(n.attrs.get_int(kAllowTf32, 0), graph.value(n.output()).name == "a" ? 1 : 0);
  }
  EXPECT_FALSE(run_pass("allow_tf32", graph, context));
}

TEST(AllowTf32, OnlyWhenAllowed) {
  expect_unchanged("allow_tf32", kProducts);
}

}  // namespace
}  // namespace burnish
