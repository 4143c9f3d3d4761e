// Whole models as two exporters write them: what is left of them after the passes, and that the numbers stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "onnx/importer.h"
#include "passes/pass_tester.h"
#include "support/structure.h"

namespace burnish {
namespace {

using testing::Structure;
using Histogram = std::map<std::string, int>;

Graph optimised(const Graph& original) {
  Graph graph = original;
  PipelineOptions options;
  options.verify = true;
  run_passes(graph, options);
  return graph;
}

class Exporters : public ::testing::TestWithParam<std::string> {
 protected:
  Graph optimised_structure(const std::string& model) const {
    return optimised(Structure(model + "_" + GetParam(), false).graph());
  }
};
INSTANTIATE_TEST_SUITE_P(Both, Exporters, ::testing::Values("legacy", "dynamo"),
                         [](const auto& info) { return info.param; });

TEST_P(Exporters, ResNet50) {
  EXPECT_EQ(
      histogram(optimised_structure("resnet50")),
      (Histogram{{"FusedConv", 53}, {"FusedMatMul", 1}, {"GlobalAveragePool", 1}, {"MaxPool", 1}, {"Reshape", 1}}));
}

TEST_P(Exporters, YoloV5s) {
  const Graph graph = optimised_structure("yolov5s");
  EXPECT_EQ(histogram(graph), (Histogram{{"FusedConv", 60},
                                         {"Concat", 17},
                                         {"MaxPool", 3},
                                         {"Resize", 2},
                                         {"Pointwise", 6},
                                         {"Reshape", 6},
                                         {"Slice", 9},
                                         {"Transpose", 3}}));
  Histogram activations;
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    if (n.op == "FusedConv") ++activations[n.attrs.get_string("activation", "none")];
    // Along the last axis, where convolutions can write straight into the result; but for the joining of the heads.
    if (n.op != "Concat" || graph.value(n.output()).type.shape->size() != 4) continue;
    EXPECT_EQ(n.attrs.get_int("axis", 0), 3) << n.name;
  }
  EXPECT_EQ(activations, (Histogram{{"silu", 57}, {"sigmoid", 3}}));
}

/// As the builder does it for a profile of fixed shapes.
Graph with_sizes(const Graph& original, const std::map<std::string, int64_t, std::less<>>& sizes) {
  Graph graph = original;
  for (ValueId input : graph.inputs()) {
    for (Dim& d : *graph.value(input).type.shape) d = Dim(d.evaluate(sizes).value());
  }
  graph.infer();
  return graph;
}

void expect_transformer(const Graph& graph, int layers) {
  EXPECT_EQ(histogram(graph), (Histogram{{"FusedMatMul", 4 * layers + 1},
                                         {"FusedAttention", layers},
                                         {"LayerNormalization", 2 * layers + 1},
                                         {"Gather", 4},
                                         {"Pointwise", 1},
                                         {"Cast", 1},
                                         {"Reshape", 1},
                                         {"Where", 1},
                                         {"Shape", 1},
                                         {"Slice", 1}}));
  int residuals = 0;
  int gelus = 0;
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    if (n.op == "FusedAttention") {
      EXPECT_EQ(n.attrs.get_int("packed_qkv", 0), 1) << n.name;
      EXPECT_EQ(n.attrs.get_int("masked_rows_zero", 0), 1) << n.name;
      EXPECT_EQ(to_string(*graph.value(n.input(3)).type.shape), "[batch,1,1,sequence]");
    }
    residuals += n.attrs.get_string("residual", "none") == "before" ? 1 : 0;
    gelus += n.attrs.get_string("activation", "none") == "gelu" ? 1 : 0;
  }
  EXPECT_EQ(residuals, 2 * layers);
  EXPECT_EQ(gelus, layers);
}

TEST_P(Exporters, Bert) {
  expect_transformer(optimised_structure("bert"), 12);
}

TEST_P(Exporters, FixedShapesLeaveEvenLess) {
  const Structure structure("minilm_" + GetParam(), false);
  for (int64_t batch : {1, 8}) {
    const Graph graph = optimised(with_sizes(structure.graph(), {{"batch", batch}, {"sequence", 128}}));
    EXPECT_EQ(histogram(graph), (Histogram{{"FusedMatMul", 25},
                                           {"FusedAttention", 6},
                                           {"LayerNormalization", 13},
                                           {"Gather", 3},
                                           {"Pointwise", 1},
                                           {"Cast", 1},
                                           {"Reshape", 1},
                                           {"Where", 1}}));
  }
}

TEST_P(Exporters, MiniLmKeepsItsNumbersUnderPaddingMasks) {
  const Structure structure("minilm_" + GetParam(), true);
  const Graph graph = optimised(structure.graph());
  expect_transformer(graph, 6);
  std::map<std::string, Tensor> inputs = random_inputs(graph, {{"batch", 3}, {"sequence", 7}});
  // Real padding: rows of 7, 5 and no tokens at all.
  for (int64_t i = 0; i < 21; ++i) inputs.at("attention_mask").as<int64_t>()[i] = i < 12 ? 1 : 0;
  for (int64_t i = 0; i < 21; ++i) inputs.at("input_ids").as<int64_t>()[i] = 1000 + 37 * i;
  expect_same_numbers(structure.graph(), graph, inputs);
}

class Fashion : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Both, Fashion, ::testing::Values("resnet", "mobile"),
                         [](const auto& info) { return info.param; });

TEST_P(Fashion, EndsInConvolutionsAndOneProduct) {
  const Graph original = import_model_file("examples/fashion/fashion_" + GetParam() + ".onnx");
  const Graph graph = optimised(original);
  EXPECT_EQ(histogram(graph), (Histogram{{"FusedConv", GetParam() == "resnet" ? 13 : 17},
                                         {"FusedMatMul", 1},
                                         {"GlobalAveragePool", 1},
                                         {"Reshape", 1}}));
  expect_same_numbers(original, graph, random_inputs(original));
}

}  // namespace
}  // namespace burnish
