#include "ir/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/text.h"

namespace burnish {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ErrorCode code_of(const std::function<void()>& f, std::string* what = nullptr) {
  try {
    f();
  } catch (const Error& e) {
    if (what != nullptr) *what = e.what();
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kInternal;
}

TypeInfo floats(SymShape shape) {
  return {DType::kFloat32, std::move(shape)};
}

Graph diamond() {
  Graph g;
  const ValueId x = g.add_input("x", floats({Dim::symbol("n"), 4}));
  const NodeId a = g.add_node("Relu", "a", {x}, {}, {"a"});
  const NodeId b = g.add_node("Neg", "b", {g.node(a).output()}, {}, {"b"});
  const NodeId c = g.add_node("Add", "c", {g.node(a).output(), g.node(b).output()}, {}, {"c"});
  g.add_output(g.node(c).output(), "y");
  return g;
}

TEST(Graph, NamesAreMadeUnique) {
  Graph g;
  const ValueId a = g.add_input("x", floats({1}));
  const ValueId b = g.add_constant("x", Tensor::from_floats(std::vector<float>{1}));
  const ValueId c = g.add_constant("x", Tensor::from_floats(std::vector<float>{1}));
  EXPECT_EQ(g.value(a).name, "x");
  EXPECT_EQ(g.value(b).name, "x_1");
  EXPECT_EQ(g.value(c).name, "x_2");
  EXPECT_EQ(g.find_value("x_2"), c);
  EXPECT_EQ(g.find_value("z"), kNoValue);
}

TEST(Graph, OrderFollowsProducersThenIds) {
  Graph g = diamond();
  EXPECT_THAT(g.topological_order(), ElementsAre(0, 1, 2));
  // A node added later in front of the others comes first.
  const NodeId d = g.add_node("Exp", "d", {g.inputs()[0]}, {}, {"d"});
  g.node(0).inputs[0] = g.node(d).output();
  EXPECT_THAT(g.topological_order(), ElementsAre(3, 0, 1, 2));
}

TEST(Graph, UsersCountEveryReading) {
  Graph g = diamond();
  const ValueId a = g.node(0).output();
  EXPECT_THAT(g.users(a), ElementsAre(1, 2));
  g.node(2).inputs[1] = a;
  EXPECT_THAT(g.users(a), ElementsAre(1, 2, 2));
  EXPECT_EQ(g.all_users()[static_cast<size_t>(a)], g.users(a));
}

TEST(Graph, InferenceFollowsSymbols) {
  Graph g = diamond();
  g.infer();
  EXPECT_EQ(to_string(*g.value(g.node(2).output()).type.shape), "[n,4]");
}

TEST(Graph, ErrorsOfInferenceNameTheNode) {
  Graph g = diamond();
  g.node(1).op = "Nonsense";
  std::string what;
  EXPECT_EQ(code_of([&] { g.infer(); }, &what), ErrorCode::kUnsupported);
  EXPECT_THAT(what, HasSubstr("node b (Nonsense)"));
  g.node(1).op = "Neg";
  g.node(1).inputs.clear();
  EXPECT_EQ(code_of([&] { g.infer(); }, &what), ErrorCode::kInvalidModel);
  g.node(1).inputs = {kNoValue};
  EXPECT_EQ(code_of([&] { g.infer(); }), ErrorCode::kInvalidModel);
}

TEST(Graph, CyclesAreErrorsNotLoops) {
  Graph g = diamond();
  g.node(0).inputs[0] = g.node(2).output();
  std::string what;
  EXPECT_EQ(code_of([&] { g.topological_order(); }, &what), ErrorCode::kInvalidModel);
  EXPECT_THAT(what, HasSubstr("cycle"));
  EXPECT_EQ(code_of([&] { g.infer(); }), ErrorCode::kInvalidModel);
  EXPECT_EQ(code_of([&] { g.verify(); }), ErrorCode::kInternal);
  EXPECT_EQ(try_evaluate(g, g.node(2).output()), std::nullopt);
}

TEST(Graph, RewritingKeepsItValid) {
  Graph g = diamond();
  const ValueId b = g.node(1).output();
  EXPECT_EQ(code_of([&] { g.remove_node(1); }), ErrorCode::kInternal);
  g.replace_all_uses(b, g.inputs()[0]);
  g.remove_node(1);
  EXPECT_EQ(g.num_nodes(), 2);
  g.verify();
  g.replace_all_uses(g.node(2).output(), g.inputs()[0]);
  EXPECT_EQ(g.remove_dead_nodes(), 2);
  EXPECT_EQ(g.outputs()[0].value, g.inputs()[0]);
  g.verify();
}

TEST(Graph, ConstantsReplaceProducers) {
  Graph g = diamond();
  g.set_constant(g.node(1).output(), Tensor::from_floats(std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(g.node(1).output(), kNoValue);
  g.infer();
  EXPECT_EQ(g.remove_dead_nodes(), 1);
  g.verify();
}

TEST(Graph, DeadConstantsLetGoOfTheirElements) {
  Graph g = diamond();
  const ValueId c = g.add_constant("c", Tensor::from_floats(std::vector<float>{1}));
  g.remove_dead_nodes();
  EXPECT_FALSE(g.value(c).is_constant());
}

TEST(Graph, VerifyFindsBrokenReferences) {
  Graph g = diamond();
  g.node(1).inputs[0] = 99;
  EXPECT_EQ(code_of([&] { g.verify(); }), ErrorCode::kInternal);
  g = diamond();
  g.node(1).inputs.push_back(g.inputs()[0]);
  EXPECT_EQ(code_of([&] { g.verify(); }), ErrorCode::kInternal);
  g = diamond();
  g.add_output(g.inputs()[0], "y");
  EXPECT_EQ(code_of([&] { g.verify(); }), ErrorCode::kInternal);
}

TEST(TryEvaluate, FollowsConstantsAndKnownShapes) {
  Graph g = parse_graph(R"(graph "g" {
    input %x: float32[n,4]
    const %c: int64[1] = {5}
    %s = Shape(%x) {start=1}
    %p = Mul(%s, %c)
    %t = Shape(%x)
    output "y" = %p
    output "z" = %t
  })");
  g.infer();
  const auto p = try_evaluate(g, g.find_value("p"));
  ASSERT_TRUE(p.has_value());
  EXPECT_EQ(p->as<int64_t>()[0], 20);
  EXPECT_EQ(try_evaluate(g, g.find_value("t")), std::nullopt);
  EXPECT_EQ(try_evaluate(g, g.find_value("x")), std::nullopt);
}

TEST(Infer, CountsThatOnlyTheDataKnowsAreNeverTakenForEqual) {
  Graph g = parse_graph(R"(graph "g" {
    input %a: float32[4]
    input %b: float32[4]
    %x = NonZero(%a)
    %y = NonZero(%b)
    output "x" = %x
    output "y" = %y
  })");
  g.infer();
  const SymShape& x = *g.value(g.find_value("x")).type.shape;
  const SymShape& y = *g.value(g.find_value("y")).type.shape;
  EXPECT_NE(x[1], y[1]);
  EXPECT_EQ(parse_dim(to_string(x[1])), x[1]);
}

TEST(TryEvaluate, StopsAtTheLimit) {
  Graph g = parse_graph(R"(graph "g" {
    const %one: float32[1] = {1}
    const %shape: int64[2] = {1000000, 1000000}
    const %zero: int64[1] = {0}
    %big = Expand(%one, %shape)
    %y = Gather(%big, %zero)
    output "y" = %y
  })");
  g.infer();
  EXPECT_EQ(try_evaluate(g, g.find_value("y")), std::nullopt);
}

TEST(TryEvaluate, DeepChainsDoNotOverflowTheStack) {
  Graph g;
  ValueId v = g.add_constant("c", Tensor::from_floats(std::vector<float>{1}));
  for (int i = 0; i < 100000; ++i) {
    const NodeId n = g.add_node("Neg", "", {v}, {}, {"v"});
    v = g.node(n).output();
  }
  g.add_output(v, "y");
  g.infer();
  const auto y = try_evaluate(g, v);
  ASSERT_TRUE(y.has_value());
  EXPECT_EQ(*y->as<float>(), 1.0F);
}

}  // namespace
}  // namespace burnish
