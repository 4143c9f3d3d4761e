#include "compile/lower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compile/schedule.h"
#include "ir/text.h"

namespace burnish {
namespace {

Graph parse(std::string_view text) {
  Graph graph = parse_graph(text);
  graph.infer();
  return graph;
}

std::vector<StepKind> kinds(const Plan& plan) {
  std::vector<StepKind> kinds;
  for (const PlanStep& step : plan.steps) kinds.push_back(step.kind);
  return kinds;
}

constexpr std::string_view kMixed = R"(graph "mixed" {
  input %x: float32[batch,4]
  const %minus: int64[1] = {-1}
  %shape = Shape(%x) {} "shape"
  %twice = Concat(%shape, %minus) {axis=0} "twice"
  %flat = Reshape(%x, %minus) {} "flat"
  %y = Relu(%flat) {} "relu"
  output "y" = %y
  output "twice" = %twice
})";

TEST(LowerTest, ViewsAndShapeArithmeticBecomeStepsOfTheirOwnKind) {
  const Graph graph = parse(kMixed);
  const LoweredPlan lowered = lower(graph, graph.topological_order(), {});
  std::map<std::string, StepKind> kind_of;
  for (const PlanStep& step : lowered.plan.steps) kind_of[step.name] = step.kind;
  EXPECT_EQ(kind_of.at("shape"), StepKind::kShape);
  EXPECT_EQ(kind_of.at("twice"), StepKind::kShape);
  EXPECT_EQ(kind_of.at("flat"), StepKind::kView);
  EXPECT_EQ(kind_of.at("relu"), StepKind::kKernel);
}

TEST(LowerTest, AViewLiesInItsInputsMemory) {
  const Graph graph = parse(kMixed);
  const Plan plan = lower(graph, graph.topological_order(), {}).plan;
  const auto view =
      std::find_if(plan.steps.begin(), plan.steps.end(), [](const PlanStep& s) { return s.op == "Reshape"; });
  const PlanValue& output = plan.values[static_cast<size_t>(view->outputs[0])];
  EXPECT_EQ(output.storage, Storage::kAlias);
  EXPECT_EQ(output.root, view->inputs[0]);
}

TEST(LowerTest, ShapesThatDependOnDataAreNotComputedAhead) {
  const Graph graph = parse(R"(graph "late" {
    input %x: float32[4]
    const %ones: float32[3] = {1, 0, 1}
    %where = NonZero(%ones) {} "where"
    %y = Relu(%x) {} "relu"
    output "where" = %where
    output "y" = %y
  })");
  const Plan plan = lower(graph, graph.topological_order(), {}).plan;
  EXPECT_THAT(kinds(plan), testing::Each(StepKind::kKernel));
}

TEST(LowerTest, EveryValueIsLoweredOnceAndConstantsKeepTheirElements) {
  const Graph graph = parse(kMixed);
  const LoweredPlan lowered = lower(graph, graph.topological_order(), {});
  ASSERT_EQ(lowered.plan.values.size(), lowered.constants.size());
  std::set<std::string> names;
  for (size_t v = 0; v < lowered.constants.size(); ++v) {
    EXPECT_TRUE(names.insert(lowered.plan.values[v].name).second) << lowered.plan.values[v].name;
    EXPECT_EQ(lowered.constants[v].defined(), lowered.plan.values[v].kind == ValueKind::kConstant);
  }
}

TEST(ScheduleTest, TheOrderFreesMemoryEarly) {
  // In the order of the text three large values are alive at once; each should be reduced before the next is made.
  const Graph graph = parse(R"(graph "wide" {
    input %x: float32[1,1]
    const %big: int64[2] = {64, 64}
    const %axes: int64[1] = {0}
    %a = Expand(%x, %big) {} "a"
    %b = Expand(%x, %big) {} "b"
    %c = Expand(%x, %big) {} "c"
    %ra = ReduceSum(%a, %axes) {} "ra"
    %rb = ReduceSum(%b, %axes) {} "rb"
    %rc = ReduceSum(%c, %axes) {} "rc"
    %ab = Add(%ra, %rb) {} "ab"
    %y = Add(%ab, %rc) {} "y"
    output "y" = %y
  })");
  const auto bytes_of = [&](ValueId id) { return to_concrete(*graph.value(id).type.shape)->num_elements() * 4; };
  const auto order = schedule(graph, bytes_of);
  std::vector<std::string> names;
  for (const NodeId id : order) names.push_back(graph.node(id).name);
  EXPECT_THAT(names, testing::ElementsAre("a", "ra", "b", "rb", "ab", "c", "rc", "y"));
}

TEST(ScheduleTest, EveryNodeStandsBehindItsProducers) {
  const Graph graph = parse(kMixed);
  const auto order = schedule(graph, [](ValueId) { return 4; });
  EXPECT_EQ(order.size(), static_cast<size_t>(graph.num_nodes()));
  std::set<NodeId> done;
  for (const NodeId id : order) {
    for (const ValueId v : graph.node(id).inputs) {
      const Node* producer = graph.producer(v);
      EXPECT_TRUE(producer == nullptr || done.contains(producer->id));
    }
    done.insert(id);
  }
}

}  // namespace
}  // namespace burnish
