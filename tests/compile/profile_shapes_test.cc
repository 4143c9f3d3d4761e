#include "compile/profile_shapes.h"

#include <gtest/gtest.h>

#include "ir/text.h"

namespace burnish {
namespace {

Graph example() {
  Graph graph = parse_graph(R"(graph "g" {
    input %x: float32[n,s,6]
    input %k: int64[1]
    const %w: float32[6,5]
    %a = MatMul(%x, %w)
    %t = Concat(%a, %a) {axis=1}
    %d = Reshape(%x, %k)
    output "t" = %t
    output "d" = %d
  })");
  graph.infer();
  return graph;
}

const OptimizationProfile kProfile{{{"x", {{1, 2, 6}, {3, 7, 6}, {4, 9, 6}}}}};

TEST(ProfileShapes, FollowFromTheInputsAtEveryPoint) {
  const Graph graph = example();
  const auto doubled = [&](ProfilePoint point) {
    return GraphShapes(graph, kProfile, point).shape_of(graph.find_value("t"));
  };
  EXPECT_EQ(doubled(ProfilePoint::kMin), (Shape{1, 4, 5}));
  EXPECT_EQ(doubled(ProfilePoint::kOpt), (Shape{3, 14, 5}));
  EXPECT_EQ(doubled(ProfilePoint::kMax), (Shape{4, 18, 5}));
}

TEST(ProfileShapes, AreUnknownWhereTheyDependOnDataOrOnInputsThatAreNotNamed) {
  const Graph graph = example();
  EXPECT_FALSE(GraphShapes(graph, kProfile, ProfilePoint::kOpt).shape_of(graph.find_value("d")));
  const GraphShapes unnamed(graph, {}, ProfilePoint::kOpt);
  EXPECT_FALSE(unnamed.shape_of(graph.find_value("t")));
  EXPECT_EQ(unnamed.shape_of(graph.find_value("w")), (Shape{6, 5}));
}

}  // namespace
}  // namespace burnish
