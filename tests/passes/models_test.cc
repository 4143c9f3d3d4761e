// Whole models as two exporters write them: what is left of them after the passes, and that the numbers stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>

#include "onnx-ml.pb.h"
#include "onnx/importer.h"
#include "pass_tester.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;
using Histogram = std::map<std::string, int>;

/// The structures come without weights. Their data files are made here: holes with a mark at each tensor's beginning,
/// so that no two tensors are equal, or seeded random numbers throughout.
class Structure {
 public:
  Structure(const std::string& name, bool random) {
    folder_ = fs::path(testing::TempDir()) / fmt::format("burnish_{}_{}", name, ::getpid());
    fs::create_directories(folder_);
    const fs::path source = fs::path("tests/models/structures") / (name + ".onnx");
    fs::copy_file(source, path(name), fs::copy_options::overwrite_existing);
    onnx::ModelProto model;
    std::ifstream file(source, std::ios::binary);
    EXPECT_TRUE(model.ParseFromIstream(&file)) << source;
    for (const onnx::TensorProto& t : model.graph().initializer()) {
      if (t.data_location() == onnx::TensorProto::EXTERNAL) write(t, random);
    }
    graph_ = import_model_file(path(name));
  }
  ~Structure() { fs::remove_all(folder_); }
  Structure(const Structure&) = delete;
  Structure& operator=(const Structure&) = delete;

  const Graph& graph() const { return graph_; }

 private:
  std::string path(const std::string& name) const { return folder_ / (name + ".onnx"); }

  void write(const onnx::TensorProto& tensor, bool random) {
    std::map<std::string, std::string> where;
    for (const auto& entry : tensor.external_data()) where[entry.key()] = entry.value();
    const int64_t offset = std::stoll(where.at("offset"));
    const int64_t length = std::stoll(where.at("length"));
    const fs::path data = folder_ / where.at("location");
    if (!fs::exists(data)) std::ofstream(data, std::ios::binary).flush();
    const auto end = static_cast<uintmax_t>(offset + length);
    if (fs::file_size(data) < end) fs::resize_file(data, end);
    const std::string bytes =
        tensor.data_type() == onnx::TensorProto::INT64
            ? positions(length / static_cast<int64_t>(sizeof(int64_t)))
            : numbers(random ? length / static_cast<int64_t>(sizeof(float)) : 1, tensor.dims_size() == 1);
    std::fstream out(data, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(offset);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  static std::string positions(int64_t count) {
    std::vector<int64_t> values(static_cast<size_t>(count));
    std::iota(values.begin(), values.end(), 0);
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t)};
  }

  /// Small enough to keep activations tame over many layers; vectors are positive, as variances must be.
  std::string numbers(int64_t count, bool vector) {
    std::uniform_real_distribution<float> number(vector ? 0.1F : -0.08F, vector ? 1.0F : 0.08F);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& v : values) v = number(generator_);
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }

  fs::path folder_;
  std::mt19937 generator_{3};
  Graph graph_;
};

Graph optimised(const Graph& original) {
  Graph graph = original;
  PipelineOptions options;
  options.verify = true;
  run_passes(graph, options);
  return graph;
}

class Exporters : public testing::TestWithParam<std::string> {
 protected:
  Graph optimised_structure(const std::string& model) const {
    return optimised(Structure(model + "_" + GetParam(), false).graph());
  }
};
INSTANTIATE_TEST_SUITE_P(Both, Exporters, testing::Values("legacy", "dynamo"),
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

class Fashion : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Both, Fashion, testing::Values("resnet", "mobile"),
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
