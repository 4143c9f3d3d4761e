// If with a condition that is known while importing.
#include <gmock/gmock.h>

#include "onnx/model_builder.h"

namespace burnish {
namespace {

using onnx_test::add_node;
using onnx_test::count;
using onnx_test::ModelBuilder;
using onnx_test::run_floats;
using onnx_test::set;
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

TEST(ControlFlow, UnknownConditionsChooseBetweenHarmlessBranches) {
  ModelBuilder model;
  model.input("x", {2}).input("c", {1}, onnx::TensorProto::BOOL).output("y");
  add_if(model, "c");
  auto inputs = kX;
  inputs["c"] = Tensor(DType::kBool, Shape{1});
  for (const int condition : {0, 1}) {
    *inputs["c"].as<uint8_t>() = static_cast<uint8_t>(condition);
    EXPECT_THAT(run_floats(model, inputs), condition ? ElementsAre(11, 12) : ElementsAre(-1, -2));
  }
}

TEST(ControlFlow, UnknownConditionsAreRefused) {
  ModelBuilder model;
  model.input("x", {2}).input("c", {}, onnx::TensorProto::BOOL).output("y");
  add_if(model, "c");
  auto& then_branch = *model.graph().mutable_node(0)->mutable_attribute(0)->mutable_g();
  then_branch.mutable_node(0)->set_op_type("MatMul");  // of another shape, and not elementwise
  then_branch.mutable_node(0)->set_input(1, "x");
  EXPECT_THAT(model.import_error(), HasSubstr("its condition depends on the model's inputs"));
}

TEST(ControlFlow, ConditionsMustBeBool) {
  ModelBuilder model;
  model.input("x", {2}).initializer(onnx_test::ints("c", {}, {1})).output("y");
  add_if(model, "c");
  EXPECT_THAT(model.import_error(), HasSubstr("not one bool"));
}

/// One round: sum += x[round]; collects the sums.
void fill_sum_body(onnx::GraphProto& body, bool is_loop) {
  if (is_loop) {
    body.add_input()->set_name("round");
    body.add_input()->set_name("go_on");
    add_node(*body.mutable_node(), "Gather", {"x", "round"}, {"element"});
    add_node(*body.mutable_node(), "Less", {"sum", "limit"}, {"go_on_next"});
    body.add_output()->set_name("go_on_next");
  }
  body.add_input()->set_name("sum");
  if (!is_loop) body.add_input()->set_name("element");
  add_node(*body.mutable_node(), "Add", {"sum", "element"}, {"sum_next"});
  add_node(*body.mutable_node(), "Identity", {"sum_next"}, {"collected"});
  body.add_output()->set_name("sum_next");
  body.add_output()->set_name("collected");
}

const std::map<std::string, Tensor> kX4 = {{"x", Tensor::from_floats(std::vector<float>{1, 2, 3, 4})}};

TEST(ControlFlow, LoopOfKnownLengthIsUnrolled) {
  ModelBuilder model;
  model.input("x", {4}).output("all").output("last");
  model.initializer(onnx_test::ints("n", {}, {3})).initializer(onnx_test::floats("zero", {}, {0}));
  auto& body = subgraph(model.node("Loop", {"n", "", "zero"}, {"last", "all"}), "body");
  fill_sum_body(body, true);
  auto& condition = *body.mutable_node(1);
  condition.set_op_type("Identity");
  condition.clear_input();
  condition.add_input("go_on");
  EXPECT_THAT(run_floats(model, kX4), ElementsAre(1, 3, 6));
}

TEST(ControlFlow, LoopOfUnknownLengthIsRefused) {
  ModelBuilder model;
  model.input("x", {4}).input("n", {}, onnx::TensorProto::INT64).output("all");
  model.initializer(onnx_test::floats("zero", {}, {0})).initializer(onnx_test::floats("limit", {}, {2}));
  fill_sum_body(subgraph(model.node("Loop", {"n", "", "zero"}, {"last", "all"}), "body"), true);
  EXPECT_THAT(model.import_error(), HasSubstr("its number of rounds is not known"));
  model.graph().mutable_node(0)->set_input(0, "");
  EXPECT_THAT(model.import_error(), HasSubstr("its condition is not known"));
}

TEST(ControlFlow, ScanIsUnrolledInBothDirections) {
  for (const int64_t backwards : {0, 1}) {
    ModelBuilder model;
    model.input("x", {4}).initializer(onnx_test::floats("zero", {}, {0})).output("all");
    auto& scan = model.node("Scan", {"zero", "x"}, {"last", "all"});
    fill_sum_body(subgraph(scan, "body"), false);
    set(scan, "num_scan_inputs", int64_t{1});
    set(scan, "scan_input_directions", std::vector<int64_t>{backwards});
    EXPECT_THAT(run_floats(model, kX4), backwards ? ElementsAre(4, 7, 9, 10) : ElementsAre(1, 3, 6, 10));
  }
}

TEST(ControlFlow, BranchesMustBeThere) {
  ModelBuilder model;
  model.initializer(onnx_test::bools("c", {}, {1})).output("y");
  model.node("If", {"c"}, {"y"});
  EXPECT_THAT(model.import_error(), HasSubstr("'then_branch' with its graph is missing"));
}

}  // namespace
}  // namespace burnish
