#include "onnx/model_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/interpreter.h"

namespace burnish {
namespace {

using testing::ElementsAre;

Graph import(const ModelWriter& writer) {
  const std::string bytes = writer.serialize();
  return import_model(std::as_bytes(std::span(bytes)), "");
}

TEST(ModelWriter, WhatIsWrittenIsImported) {
  ModelWriter writer("net");
  writer.add_input("x", DType::kFloat32, {int64_t{2}, std::string("width")});
  writer.add_constant("slope", Tensor::from_floats(std::vector<float>{0.5F}));
  ModelWriter::NodeSpec node{"Transpose", "", "turn", {"x"}, {"t"}, {}};
  node.attributes.set("perm", std::vector<int64_t>{1, 0});
  writer.add_node(node);
  writer.add_node({"PRelu", "", "", {"t", "slope"}, {"y"}, {}});
  writer.mark_output("y");
  const Graph graph = import(writer);
  EXPECT_EQ(graph.name, "net");
  EXPECT_EQ(to_string(*graph.value(graph.outputs().at(0).value).type.shape), "[width,2]");

  Tensor x(DType::kFloat32, {2, 1});
  x.as<float>()[0] = -4;
  x.as<float>()[1] = 3;
  const auto outputs = interpret(graph, {{"x", x}});
  const Tensor& y = outputs.at("y");
  EXPECT_THAT(std::vector<float>(y.as<float>(), y.as<float>() + 2), ElementsAre(-2, 3));
}

TEST(ModelWriter, EveryTypeOfElementAndAttribute) {
  ModelWriter writer;
  for (int i = 1; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    writer.add_input(std::string(name_of(dtype)), dtype, {});
    writer.mark_output(std::string(name_of(dtype)));
  }
  ModelWriter::NodeSpec spec{"Constant", "", "", {}, {"c"}, {}};
  spec.attributes.set("value_floats", std::vector<float>{1.5F, 2});
  writer.add_node(spec);
  ModelWriter::NodeSpec tensor{"Constant", "", "", {}, {"t"}, {}};
  tensor.attributes.set("value", Tensor::from_ints(std::vector<int64_t>{7, 8}));
  writer.add_node(tensor);
  writer.mark_output("c");
  writer.mark_output("t");
  const Graph graph = import(writer);
  for (const ValueId id : graph.inputs()) EXPECT_EQ(graph.value(id).name, name_of(graph.value(id).type.dtype));
  EXPECT_EQ(graph.value(graph.find_value("c")).type.dtype, DType::kFloat32);
  EXPECT_EQ(graph.value(graph.find_value("t")).type.dtype, DType::kInt64);
}

TEST(ModelWriter, PackedElementsAreRefused) {
  ModelWriter writer;
  EXPECT_THROW(writer.add_constant("c", Tensor(DType::kInt4, {2})), Error);
}

}  // namespace
}  // namespace burnish
