// Whole models: names, opsets, inputs, provenance, and that all problems come at once.
#include "onnx/importer.h"

#include <gmock/gmock.h>

#include "onnx/model_builder.h"

namespace burnish {
namespace {

using onnx_test::floats;
using onnx_test::ModelBuilder;
using onnx_test::set;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ModelBuilder add_model() {
  ModelBuilder model;
  model.input("x", {"batch", 3}).initializer(floats("w", {3}, {1, 2, 3})).output("y");
  model.node("Add", {"x", "w"}, {"y"});
  return model;
}

TEST(Importer, ImportsAndInfers) {
  const Graph graph = add_model().import();
  ASSERT_EQ(graph.outputs().size(), 1U);
  EXPECT_EQ(graph.outputs()[0].name, "y");
  const TypeInfo& type = graph.value(graph.outputs()[0].value).type;
  EXPECT_EQ(type.dtype, DType::kFloat32);
  EXPECT_EQ(to_string(*type.shape), "[batch,3]");
}

TEST(Importer, KeepsProvenance) {
  const auto facts = add_model().import().metadata;
  EXPECT_EQ(facts.at("producer"), "test");
  EXPECT_EQ(facts.at("opset"), std::to_string(kNewestOpset));
  EXPECT_EQ(facts.at("ir_version"), "10");
  EXPECT_EQ(facts.at("hash").size(), 32U);
}

TEST(Importer, NamesFreeDimensions) {
  ModelBuilder model;
  model.input("in.1", {"", "s0 + 1", "s0+1", "s0 + 1"}).output("in.1");
  const Graph graph = model.import();
  EXPECT_EQ(to_string(*graph.value(graph.inputs()[0]).type.shape), "[in_1_dim0,s0___1,s0_1,s0___1]");
}

TEST(Importer, InitializerThatIsAnInputBecomesConstant) {
  ModelBuilder model = add_model();
  model.input("w", {3});
  EXPECT_EQ(model.import().inputs().size(), 1U);
}

TEST(Importer, SortsNodes) {
  ModelBuilder model;
  model.input("x", {2}).output("z");
  model.node("Neg", {"y"}, {"z"});
  model.node("Abs", {"x"}, {"y"});
  EXPECT_THAT(onnx_test::run_floats(model, {{"x", Tensor::from_floats(std::vector<float>{-1, 2})}}),
              ElementsAre(-1, -2));
}

TEST(Importer, TellsAllProblemsAtOnce) {
  ModelBuilder model(9);
  model.input("x", {2, 3}).output("b").output("nowhere");
  model.node("Frobnicate", {"x"}, {"a"});
  model.node("Relu", {"a"}, {"b"});
  model.node("Whatever", {"b"}, {"c"}).set_domain("com.example");
  model.node("Add", {"x", "missing"}, {"d"});
  model.node("MatMul", {"x", "x"}, {"e"});
  model.node("Loop", {"x", "x"}, {"f"});
  const std::string error = model.import_error();
  EXPECT_THAT(error, AllOf(HasSubstr("6 problems"), HasSubstr("'Frobnicate_a' (Frobnicate, ai.onnx 9)"),
                           HasSubstr("'com.example' is not known"), HasSubstr("'missing'"), HasSubstr("'MatMul_e'"),
                           HasSubstr("'nowhere'"), HasSubstr("'Loop_f'")));
}

TEST(Importer, RefusesOpsetsItDoesNotKnow) {
  EXPECT_THAT(ModelBuilder(kNewestOpset + 1).output("y").import_error(), HasSubstr("is not supported, up to 28 is"));
  ModelBuilder old(6);
  old.input("x", {2}).output("y");
  old.node("Add", {"x", "x"}, {"y"});
  EXPECT_THAT(old.import_error(), HasSubstr("opset 6 is too old"));
}

TEST(Importer, WantsTheOpsetOfEveryDomain) {
  ModelBuilder model;
  model.input("x", {2}).output("y");
  model.node("Binarizer", {"x"}, {"y"}).set_domain("ai.onnx.ml");
  EXPECT_THAT(model.import_error(), HasSubstr("does not import the operator set ai.onnx.ml"));
}

TEST(Importer, ReportsCycles) {
  ModelBuilder model;
  model.input("x", {2}).output("c");
  model.node("Add", {"x", "b"}, {"a"});
  model.node("Neg", {"a"}, {"b"});
  model.node("Neg", {"b"}, {"c"});
  EXPECT_THAT(model.import_error(), AllOf(HasSubstr("form a cycle"), HasSubstr("Add_a"), HasSubstr("Neg_b"),
                                          HasSubstr("1 problem"), Not(HasSubstr("Neg_c"))));
}

TEST(Importer, ReportsNamesMadeTwice) {
  ModelBuilder model;
  model.input("x", {2}).output("y");
  model.node("Neg", {"x"}, {"y"});
  model.node("Abs", {"x"}, {"y"});
  EXPECT_THAT(model.import_error(), HasSubstr("'y' is made twice"));
}

TEST(Importer, ReportsWrongAttributeTypes) {
  ModelBuilder model;
  model.input("x", {2, 3}).output("y");
  set(model.node("Softmax", {"x"}, {"y"}), "axis", std::string("one"));
  EXPECT_THAT(model.import_error(), AllOf(HasSubstr("Softmax_y"), HasSubstr("axis")));
}

TEST(Importer, ReportsUnsupportedInputs) {
  ModelBuilder model;
  model.input("text", {2}, onnx::TensorProto::STRING).output("text");
  model.graph().add_input()->set_name("untyped");
  model.graph().add_input()->mutable_type()->mutable_sequence_type();
  EXPECT_THAT(model.import_error(), AllOf(HasSubstr("STRING"), HasSubstr("'untyped': it has no type"),
                                          HasSubstr("it has no name"), HasSubstr("3 problems")));
}

TEST(Importer, RefusesWhatIsNoModel) {
  const std::string text = "PK this is a zip file, not a model";
  EXPECT_THROW(import_model(std::as_bytes(std::span(text)), ""), Error);
  EXPECT_THROW(import_model({}, ""), Error);
  auto bytes = add_model().bytes();
  bytes.resize(bytes.size() - 3);
  EXPECT_THROW(import_model(bytes, ""), Error);
}

TEST(Importer, OurOwnOperatorsCannotBeNamed) {
  ModelBuilder model;
  model.input("x", {2}).output("y");
  model.node("Pointwise", {"x"}, {"y"});
  EXPECT_THAT(model.import_error(), HasSubstr("no such operator"));
}

TEST(Importer, NamesTheFile) {
  try {
    import_model_file("/nowhere/model.onnx");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/model.onnx"));
  }
}

}  // namespace
}  // namespace burnish
