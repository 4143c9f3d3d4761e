#include "base/error.h"
#include "ops/op_tester.h"

namespace burnish {
namespace {

using testing::ElementsAre;

// Root: x0 <= 1 -> leaf 0, else node 1: x1 in {5, 6} -> leaf 1, else leaf 2.
AttributeMap two_nodes() {
  using Ints = std::vector<int64_t>;
  return attributes({{"n_targets", int64_t{2}},
                     {"tree_roots", Ints{0}},
                     {"nodes_modes", make_tensor(DType::kUInt8, Shape{2}, {0, 6})},
                     {"nodes_splits", make_floats(Shape{2}, {1, 0})},
                     {"membership_values", make_floats(Shape{3}, {5, 6, NAN})},
                     {"nodes_featureids", Ints{0, 1}},
                     {"nodes_truenodeids", Ints{0, 1}},
                     {"nodes_trueleafs", Ints{1, 1}},
                     {"nodes_falsenodeids", Ints{1, 2}},
                     {"nodes_falseleafs", Ints{0, 1}},
                     {"leaf_targetids", Ints{0, 1, 1}},
                     {"leaf_weights", make_floats(Shape{3}, {10, 20, 30})}});
}

TEST(TreeEnsemble, FollowsSplitsAndSets) {
  const Tensor x = make_floats(Shape{4, 2}, {1, 0, 2, 6, 2, 7, NAN, 5});
  EXPECT_THAT(values_of(run("TreeEnsemble", {x}, two_nodes())), ElementsAre(10, 0, 0, 20, 0, 30, 0, 20));
}

TEST(TreeEnsemble, AggregatesAndTransforms) {
  const Tensor x = make_floats(Shape{1, 2}, {2, 6});
  AttributeMap attrs = two_nodes();
  attrs.set("tree_roots", std::vector<int64_t>{0, 1, 1});
  EXPECT_THAT(values_of(run("TreeEnsemble", {x}, attrs)), ElementsAre(0, 60));
  attrs.set("aggregate_function", int64_t{0});
  EXPECT_THAT(values_of(run("TreeEnsemble", {x}, attrs)), ElementsAre(0, 20));
  attrs.set("post_transform", int64_t{1});
  EXPECT_THAT(values_of(run("TreeEnsemble", {x}, attrs)), near(1e-6, {0, 1}));
}

TEST(TreeEnsemble, BrokenTreesAreErrors) {
  const Tensor x = make_floats(Shape{1, 2}, {2, 7});
  const auto broken = [&](const char* name, Attribute value) {
    AttributeMap attrs = two_nodes();
    attrs.set(name, std::move(value));
    EXPECT_THROW(run("TreeEnsemble", {x}, attrs), Error) << name;
  };
  using Ints = std::vector<int64_t>;
  broken("nodes_falsenodeids", Ints{1, 3});
  broken("nodes_falsenodeids", Ints{1});
  broken("nodes_falseleafs", Ints{0, 0});
  broken("nodes_featureids", Ints{0, 2});
  broken("leaf_targetids", Ints{0, 1, 2});
  broken("tree_roots", Ints{2});
  broken("nodes_modes", make_tensor(DType::kUInt8, Shape{2}, {0, 7}));
  broken("membership_values", make_floats(Shape{1}, {5}));
  AttributeMap circle = two_nodes();
  circle.set("nodes_falseleafs", Ints{0, 0});
  circle.set("nodes_falsenodeids", Ints{1, 0});
  EXPECT_THROW(run("TreeEnsemble", {x}, circle), Error);
}

}  // namespace
}  // namespace burnish
