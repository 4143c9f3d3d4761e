// If with a condition that is known while importing.
#include <gmock/gmock.h>

#include "onnx/model_builder.h"

namespace burnish {
namespace {

using onnx_test::add_node;
using onnx_test::count;
using onnx_test::ModelBuilder;
using onnx_test::run_floats;
using onnx_test::subgraph;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// if cond: y = x + w (both captured) else: y = -x
void add_if(ModelBuilder& model, const std::string& condition) {
  auto& node = model.node("If", {condition}, {"y"});
  auto& then_branch = subgraph(node, "then_branch");
  add_node(*then_branch.mutable_node(), "Add", {"x", "w"}, {"t"});
  *then_branch.add_initializer() = onnx_test::floats("w", {1}, {10});
  then_branch.add_output()->set_name("t");
  auto& else_branch = subgraph(node, "else_branch");
  add_node(*else_branch.mutable_node(), "Neg", {"x"}, {"t"});
  else_branch.add_output()->set_name("t");
}

const std::map<std::string, Tensor> kX = {{"x", Tensor::from_floats(std::vector<float>{1, 2})}};

TEST(ControlFlow, IfOnAConstant) {
  for (const int condition : {0, 1}) {
    ModelBuilder model;
    model.input("x", {2}).initializer(onnx_test::bools("c", {}, {condition})).output("y");
    add_if(model, "c");
    EXPECT_THAT(run_floats(model, kX), condition ? ElementsAre(11, 12) : ElementsAre(-1, -2));
    EXPECT_EQ(count(model.import(), "If"), 0);
  }
}

TEST(ControlFlow, IfOnAFixedShape) {
  ModelBuilder model;
  model.input("x", {2}).initializer(onnx_test::ints("two", {1}, {2})).output("y");
  model.node("Shape", {"x"}, {"shape"});
  model.node("Equal", {"shape", "two"}, {"c"});
  add_if(model, "c");
  EXPECT_THAT(run_floats(model, kX), ElementsAre(11, 12));
}

TEST(ControlFlow, IfInsideAFunctionSeesItsInputs) {
  ModelBuilder model;
  model.input("x", {2}).initializer(onnx_test::bools("c", {}, {1})).output("y");
  model.node("Choose", {"x", "c"}, {"y"}).set_domain("local");
  auto& function = model.function("Choose", {"x", "c"}, {"y"});
  ModelBuilder inner;
  add_if(inner, "c");
  *function.add_node() = inner.graph().node(0);
  EXPECT_THAT(run_floats(model, kX), ElementsAre(11, 12));
}

TEST(ControlFlow, UnknownConditionsAreRefused) {
  ModelBuilder model;
  model.input("x", {2}).input("c", {}, onnx::TensorProto::BOOL).output("y");
  add_if(model, "c");
  EXPECT_THAT(model.import_error(), HasSubstr("its condition depends on the model's inputs"));
}

TEST(ControlFlow, ConditionsMustBeBool) {
  ModelBuilder model;
  model.input("x", {2}).initializer(onnx_test::ints("c", {}, {1})).output("y");
  add_if(model, "c");
  EXPECT_THAT(model.import_error(), HasSubstr("not one bool"));
}

TEST(ControlFlow, BranchesMustBeThere) {
  ModelBuilder model;
  model.initializer(onnx_test::bools("c", {}, {1})).output("y");
  model.node("If", {"c"}, {"y"});
  EXPECT_THAT(model.import_error(), HasSubstr("'then_branch' with its graph is missing"));
}

}  // namespace
}  // namespace burnish
