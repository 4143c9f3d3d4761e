// Joined products are taken apart again where they do not pay.
#include "compile/siblings.h"

#include <gtest/gtest.h>

#include "ir/interpreter.h"
#include "ir/text.h"
#include "kernels/tactic.h"

namespace burnish {
namespace {

constexpr std::string_view kJoined = R"(graph "g" {
    input %x: float32[2,4,5,3]
    const %w: float32[7,3,3,3]
    const %b: float32[7]
    const %v: float32[5,3]
    %a, %c = JoinedConv(%x, %w, %b) {parts=[2,5], input_layout="NHWC", output_layout="NHWC", activation="relu"}
    %d, %e = JoinedMatMul(%x, %v) {parts=[4,1], transB=1, alpha=0.5}
    output "a" = %a
    output "c" = %c
    output "d" = %d
    output "e" = %e
  })";

Graph joined() {
  Graph graph = parse_graph(kJoined);
  graph.infer();
  return graph;
}

std::vector<std::string> ops_of(const Graph& graph) {
  std::vector<std::string> ops;
  for (const NodeId id : graph.topological_order()) ops.push_back(graph.node(id).op);
  std::ranges::sort(ops);
  return ops;
}

TEST(TakenApart, GivesTheSameValuesUnderTheSameNames) {
  const Graph graph = joined();
  const Graph apart = taken_apart(graph, [](const Node&) { return true; });
  apart.verify();
  EXPECT_EQ(ops_of(apart), (std::vector<std::string>{"FusedConv", "FusedConv", "FusedMatMul", "FusedMatMul"}));
  Tensor x(DType::kFloat32, {2, 4, 5, 3});
  for (int64_t i = 0; i < x.num_elements(); ++i) x.as<float>()[i] = std::sin(static_cast<float>(i));
  const auto expected = interpret(graph, {{"x", x}});
  for (const auto& [name, value] : interpret(apart, {{"x", x}})) {
    EXPECT_TRUE(value.identical(expected.at(name))) << name;
    EXPECT_EQ(apart.node(apart.value(apart.find_value(name)).producer).name, name);
  }
}

TEST(TakenApart, OnlyWhatIsAskedFor) {
  const Graph graph = joined();
  const Graph apart = taken_apart(graph, [](const Node& n) { return n.op == "JoinedConv"; });
  EXPECT_EQ(ops_of(apart), (std::vector<std::string>{"FusedConv", "FusedConv", "JoinedMatMul"}));
  EXPECT_EQ(ops_of(graph), (std::vector<std::string>{"JoinedConv", "JoinedMatMul"}));
}

/// A joined product with results of so many columns, that took so long.
StepOptions options_of(std::initializer_list<int64_t> columns, std::string_view tactic, double us) {
  StepOptions options;
  options.problem.emplace();
  for (const int64_t n : columns) options.problem->outputs.push_back({DType::kFloat16, {10, n}});
  options.candidates = {{find_tactic(tactic), "", us}};
  return options;
}

TEST(JoinedProduct, PaysWhenItTakesNoLongerThanItsParts) {
  EXPECT_TRUE(pays(options_of({8, 16}, "cuda.mma_conv", 5), 5));
  EXPECT_FALSE(pays(options_of({8, 16}, "cuda.mma_conv", 5.5), 5));
  EXPECT_TRUE(pays(options_of({3, 16}, "cuda.mma_conv", 4), 5));
}

TEST(JoinedProduct, ByModelWhereResultsAreWrittenWhole) {
  EXPECT_TRUE(pays(options_of({8, 16}, "cuda.mma_conv", 0), 0));
  EXPECT_FALSE(pays(options_of({3, 16}, "cuda.mma_conv", 0), 0));
  EXPECT_TRUE(pays(options_of({8, 16}, "cuda.mma_conv", 5), 0));
}

TEST(JoinedProduct, NeverByTheReference) {
  EXPECT_FALSE(pays(options_of({8, 16}, "cuda.host", 0), 0));
}

}  // namespace
}  // namespace burnish
