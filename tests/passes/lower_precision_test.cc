// lower_precision: what is stored narrow, who writes and reads it, and that the numbers stay near.
#include <gtest/gtest.h>

#include <cmath>

#include "ir/text.h"
#include "pass_tester.h"
#include "passes/encoding_groups.h"
#include "passes/precision.h"

namespace burnish {
namespace {

Graph optimised(std::string_view text, const PrecisionPlan* precision = nullptr, bool mixed_images = false) {
  Graph graph = parse_graph(text);
  graph.infer();
  PipelineOptions options;
  options.verify = true;
  options.precision = precision;
  options.mixed_images = mixed_images;
  run_passes(graph, options);
  return graph;
}

/// A plan that computes every layer on integers, every group that a layer reads stored as UINT8 of this scale.
PrecisionPlan integers_everywhere(const Graph& graph, float scale) {
  PrecisionPlan plan;
  const EncodingGroups groups(graph);
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    if (!is_layer(graph, n)) continue;
    const Tensor& w = graph.value(n.input(1)).constant;
    const int axis = output_channel_axis(n, w.shape().rank());
    const int64_t channels = w.shape()[axis], inner = w.shape().product(axis + 1, w.shape().rank());
    LayerPrecision layer{Tensor(DType::kInt8, w.shape()), Tensor(DType::kFloat32, Shape{channels}), {}};
    for (int64_t c = 0; c < channels; ++c) layer.weight_scales.as<float>()[c] = 4.0F / 127;
    for (int64_t i = 0; i < w.num_elements(); ++i) {
      const float s = layer.weight_scales.as<float>()[i / inner % channels];
      layer.weights.as<int8_t>()[i] = static_cast<int8_t>(std::lround(w.as<float>()[i] / s));
    }
    plan.layers.emplace(graph.value(n.output()).name, layer);
    for (ValueId v : groups.members(groups.group_of(n.input(0)))) {
      plan.values[graph.value(v).name] = {{DType::kUInt8, scale, 128}, {}};
    }
  }
  return plan;
}

constexpr std::string_view kResidualNet = R"(graph "g" {
    input %x: float32[n,3,6,6]
    const %w: float32[8,3,1,1]
    const %v: float32[8,8,3,3]
    const %u: float32[8,8,1,1]
    %a0 = Conv(%x, %w)
    %a = Relu(%a0)
    %b0 = Conv(%a, %v) {pads=[1,1,1,1]}
    %b1 = Add(%b0, %a)
    %b = Relu(%b1)
    %m = MaxPool(%b) {kernel_shape=[2,2], strides=[2,2]}
    %c = Conv(%m, %u)
    %g = GlobalAveragePool(%c)
    %y = Flatten(%g)
    output "y" = %y
  })";

TEST(LowerPrecision, DoesNothingWithoutAPlan) {
  Graph graph = optimised(kResidualNet);
  EXPECT_FALSE(run_pass("lower_precision", graph));
}

TEST(LowerPrecision, NarrowFloatsRunThroughAConvolutionalNet) {
  Graph original = parse_graph(kResidualNet);
  original.infer();
  PrecisionPlan plan;
  plan.floats = DType::kBFloat16;
  const Graph graph = optimised(kResidualNet, &plan);
  EXPECT_EQ(ops_and_types(graph),
            (Lines{"Cast bfloat16", "FusedConv bfloat16", "FusedConv bfloat16", "MaxPool bfloat16",
                   "FusedConv bfloat16", "GlobalAveragePool float32", "Reshape float32"}));
  expect_same_numbers(original, graph, random_inputs(original), 0.05);
}

TEST(LowerPrecision, ImagesOfFewChannelsAreReadAsTheyCome) {
  Graph original = parse_graph(kResidualNet);
  original.infer();
  PrecisionPlan plan;
  plan.floats = DType::kBFloat16;
  const Graph graph = optimised(kResidualNet, &plan, true);
  EXPECT_EQ(ops_and_types(graph), (Lines{"FusedConv bfloat16", "FusedConv bfloat16", "MaxPool bfloat16",
                                         "FusedConv bfloat16", "GlobalAveragePool float32", "Reshape float32"}));
  const Node& first = graph.node(graph.topological_order().front());
  EXPECT_EQ(graph.value(first.input(0)).type.dtype, DType::kFloat32);
  EXPECT_EQ(graph.value(first.input(1)).type.dtype, DType::kBFloat16);
  expect_same_numbers(original, graph, random_inputs(original), 0.05);
}

TEST(LowerPrecision, IntegersStayIntegersThroughPoolingAndResidualAdds) {
  Graph original = parse_graph(kResidualNet);
  original.infer();
  const PrecisionPlan plan = integers_everywhere(optimised(kResidualNet), 0.25F);
  const Graph graph = optimised(kResidualNet, &plan);
  EXPECT_EQ(ops_and_types(graph), (Lines{"QuantizeLinear uint8", "FusedConv uint8", "FusedConv uint8", "MaxPool uint8",
                                         "FusedConv float32", "GlobalAveragePool float32", "Reshape float32"}));
  expect_same_numbers(original, graph, random_inputs(original), 0.2);
}

TEST(LowerPrecision, ALayerLeftOutComputesOnFloats) {
  const Graph plain = optimised(kResidualNet);
  PrecisionPlan plan = integers_everywhere(plain, 0.25F);
  std::string second;
  for (NodeId id : plain.topological_order()) {
    const Node& n = plain.node(id);
    if (n.op == "FusedConv" && n.input(3) != kNoValue) second = plain.value(n.output()).name;
  }
  ASSERT_EQ(plan.layers.erase(second), 1U);
  Graph original = parse_graph(kResidualNet);
  original.infer();
  const Graph graph = optimised(kResidualNet, &plan);
  expect_same_numbers(original, graph, random_inputs(original), 0.2);
  int float_layers = 0;
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    if (n.op != "FusedConv" || n.input(4) != kNoValue) continue;
    ++float_layers;
    for (int i : {0, 1, 3}) EXPECT_EQ(graph.value(n.input(i)).type.dtype, DType::kFloat32) << i;
  }
  EXPECT_EQ(float_layers, 1);
}

constexpr std::string_view kTransformerPart = R"(graph "g" {
    input %x: float32[b,s,8]
    const %gamma: float32[8]
    const %beta: float32[8]
    const %w: float32[8,16]
    const %v: float32[16,8]
    const %bias: float32[8]
    %n = LayerNormalization(%x, %gamma, %beta)
    %h0 = MatMul(%n, %w)
    %h = Relu(%h0)
    %o = MatMul(%h, %v)
    %p = Add(%o, %bias)
    %r = Add(%p, %n)
    %y = LayerNormalization(%r, %gamma, %beta)
    output "y" = %y
  })";

// A table of embeddings, and a token in front of the others: constants have the type of what they meet.
TEST(LowerPrecision, ConstantsThatAreMovedAreStoredNarrow) {
  constexpr std::string_view kText = R"(graph "g" {
    input %ids: int64[n]
    input %x: float32[n,4]
    const %table: float32[3,4] = {1,2,3,4,5,6,7,8,9,10,11,12}
    const %token: float32[1,4] = {1,-1,2,-2}
    const %w: float32[4,4]
    %rows = Gather(%table, %ids)
    %sum = Add(%rows, %x)
    %all = Concat(%token, %sum) {axis=0}
    %y = MatMul(%all, %w)
    output "y" = %y
  })";
  const Graph before = optimised(kText);
  PrecisionPlan plan;
  plan.floats = DType::kFloat16;
  const Graph after = optimised(kText, &plan);
  int moved = 0;
  for (const NodeId id : after.topological_order()) {
    const Node& n = after.node(id);
    if (n.op != "Gather" && n.op != "Concat") continue;
    ++moved;
    EXPECT_EQ(after.value(n.input(0)).constant.dtype(), DType::kFloat16) << n.op;
  }
  EXPECT_EQ(moved, 2);
  expect_same_numbers(before, after, random_inputs(before), 1e-2);
}

TEST(LowerPrecision, ConstantsAmongIntegersAreQuantised) {
  constexpr std::string_view kText = R"(graph "g" {
    input %x: float32[n,4]
    const %token: float32[1,4] = {1,-1,0.5,-0.5}
    const %w: float32[4,4]
    %all = Concat(%token, %x) {axis=0}
    %y = MatMul(%all, %w)
    output "y" = %y
  })";
  const PrecisionPlan nothing;
  const Graph before = optimised(kText, &nothing);
  const PrecisionPlan plan = integers_everywhere(before, 1.0F / 32);
  const Graph after = optimised(kText, &plan);
  for (const NodeId id : after.topological_order()) {
    const Node& n = after.node(id);
    if (n.op == "Concat") {
      EXPECT_EQ(after.value(n.input(0)).constant.dtype(), DType::kUInt8);
    }
  }
  EXPECT_EQ(histogram(after).at("Concat"), 1);
  expect_same_numbers(before, after, random_inputs(before), 0.05);
}

TEST(LowerPrecision, ResidualStreamsOfProductsStayFloat) {
  const PrecisionPlan plan = integers_everywhere(optimised(kTransformerPart), 0.1F);
  Graph original = parse_graph(kTransformerPart);
  original.infer();
  const Graph graph = optimised(kTransformerPart, &plan);
  EXPECT_EQ(ops_and_types(graph), (Lines{"LayerNormalization float32", "QuantizeLinear uint8", "FusedMatMul uint8",
                                         "FusedMatMul float32", "LayerNormalization float32"}));
  expect_same_numbers(original, graph, random_inputs(original), 0.3);
}

TEST(LowerPrecision, FactorsMultiplyBeforeQuantising) {
  const Graph plain = optimised(kTransformerPart);
  PrecisionPlan plan = integers_everywhere(plain, 0.1F);
  ValueId normalised = kNoValue;
  for (NodeId id : plain.topological_order()) {
    if (plain.node(id).op == "LayerNormalization" && normalised == kNoValue) normalised = plain.node(id).output();
  }
  ValuePrecision& value = plan.values.at(plain.value(normalised).name);
  value.factors = Tensor(DType::kFloat32, Shape{8});
  for (int i = 0; i < 8; ++i) value.factors.as<float>()[i] = 1.0F;
  Graph original = parse_graph(kTransformerPart);
  original.infer();
  const Graph graph = optimised(kTransformerPart, &plan);
  EXPECT_EQ(histogram(graph).at("Pointwise"), 1);
  expect_same_numbers(original, graph, random_inputs(original), 0.3);
}

TEST(LowerPrecision, FullPrecisionNodesReadAndWriteFloats) {
  PrecisionPlan plan;
  plan.floats = DType::kBFloat16;
  const Graph plain = optimised(kTransformerPart);
  for (NodeId id : plain.topological_order()) {
    if (plain.node(id).op == "FusedMatMul") plan.full_precision.insert(plain.value(plain.node(id).output()).name);
  }
  const Graph graph = optimised(kTransformerPart, &plan);
  for (NodeId id : graph.topological_order()) {
    if (graph.node(id).op != "FusedMatMul") continue;
    EXPECT_EQ(graph.value(graph.node(id).input(0)).type.dtype, DType::kFloat32);
    EXPECT_EQ(graph.value(graph.node(id).output()).type.dtype, DType::kFloat32);
  }
}

TEST(LowerPrecision, OutputsOfTheGraphAreFloat) {
  PrecisionPlan plan;
  plan.floats = DType::kFloat16;
  const Graph graph = optimised(R"(graph "g" {
    input %x: float32[4,8]
    const %w: float32[8,8]
    %a = MatMul(%x, %w)
    %b = MatMul(%a, %w)
    output "a" = %a
    output "b" = %b
  })",
                                &plan);
  for (const auto& output : graph.outputs()) EXPECT_EQ(graph.value(output.value).type.dtype, DType::kFloat32);
}

}  // namespace
}  // namespace burnish
