// Model-local functions.
#include <gmock/gmock.h>

#include "base/error.h"
#include "onnx/model_builder.h"

namespace burnish {
namespace {

using onnx_test::add_node;
using onnx_test::ModelBuilder;
using onnx_test::refer;
using onnx_test::run_floats;
using onnx_test::set;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::map<std::string, Tensor> kX = {{"x", Tensor::from_floats(std::vector<float>{-1, 2})}};

/// y = LeakyRelu(x; alpha = attribute "slope"), then negated.
onnx::FunctionProto& add_slope_function(ModelBuilder& model) {
  auto& function = model.function("Slope", {"in"}, {"out"});
  auto& leaky = add_node(*function.mutable_node(), "LeakyRelu", {"in"}, {"t"});
  refer(leaky, "alpha", "slope", onnx::AttributeProto::FLOAT);
  add_node(*function.mutable_node(), "Neg", {"t"}, {"out"});
  return function;
}

ModelBuilder model_calling(const std::string& function) {
  ModelBuilder model;
  model.input("x", {2}).output("y");
  model.node(function, {"x"}, {"y"}).set_domain("local");
  return model;
}

TEST(Functions, AreInlinedWithAttributes) {
  ModelBuilder model = model_calling("Slope");
  set(*model.graph().mutable_node(0), "slope", 0.5F);
  add_slope_function(model).add_attribute("slope");
  EXPECT_THAT(run_floats(model, kX), ElementsAre(0.5F, -2));
}

TEST(Functions, AttributesHaveDefaults) {
  ModelBuilder model = model_calling("Slope");
  auto& fallback = *add_slope_function(model).add_attribute_proto();
  fallback.set_name("slope");
  fallback.set_type(onnx::AttributeProto::FLOAT);
  fallback.set_f(0.25F);
  EXPECT_THAT(run_floats(model, kX), ElementsAre(0.25F, -2));
}

TEST(Functions, AnAbsentReferenceIsAnAbsentAttribute) {
  ModelBuilder model = model_calling("Slope");
  add_slope_function(model);  // LeakyRelu's own default, 0.01
  EXPECT_THAT(run_floats(model, kX), ElementsAre(0.01F, -2));
}

TEST(Functions, NeedTheirAttributes) {
  ModelBuilder model = model_calling("Slope");
  add_slope_function(model).add_attribute("slope");
  EXPECT_THAT(model.import_error(), HasSubstr("needs the attribute 'slope'"));
}

TEST(Functions, Nest) {
  ModelBuilder model = model_calling("Twice");
  auto& twice = model.function("Twice", {"a", "unused"}, {"b"});
  for (const auto& [from, to] : {std::pair{"a", "m"}, {"m", "b"}}) {
    auto& call = add_node(*twice.mutable_node(), "Slope", {from}, {to});
    call.set_domain("local");
    set(call, "slope", 2.0F);
  }
  add_slope_function(model);
  EXPECT_THAT(run_floats(model, kX), ElementsAre(-2, 4));
}

TEST(Functions, SeeNothingAroundThem) {
  ModelBuilder model = model_calling("Leak");
  add_node(*model.function("Leak", {"in"}, {"out"}).mutable_node(), "Add", {"in", "x"}, {"out"});
  EXPECT_THAT(model.import_error(), AllOf(HasSubstr("'Leak_y/Add_out'"), HasSubstr("'x'")));
}

TEST(Functions, MustNotCallThemselves) {
  ModelBuilder model = model_calling("A");
  add_node(*model.function("A", {"in"}, {"out"}).mutable_node(), "B", {"in"}, {"out"}).set_domain("local");
  add_node(*model.function("B", {"in"}, {"out"}).mutable_node(), "A", {"in"}, {"out"}).set_domain("local");
  EXPECT_THAT(model.import_error(), HasSubstr("'A' calls itself"));
}

TEST(Functions, CannotGrowWithoutBound) {
  ModelBuilder model = model_calling("F0");
  for (int i = 0; i < 40; ++i) {
    auto& function = model.function("F" + std::to_string(i), {"in"}, {"out"});
    const std::string next = i == 39 ? "Neg" : "F" + std::to_string(i + 1);
    for (const auto& [from, to] : {std::pair{"in", "m"}, {"m", "out"}}) {
      add_node(*function.mutable_node(), next, {from}, {to}).set_domain(i == 39 ? "" : "local");
    }
  }
  ImportOptions options;
  options.max_nodes = 1000;
  EXPECT_THROW(import_model(model.bytes(), "", options), Error);
}

TEST(Functions, ArityIsChecked) {
  ModelBuilder model = model_calling("Slope");
  add_slope_function(model);
  model.graph().mutable_node(0)->add_input("x");
  EXPECT_THAT(model.import_error(), HasSubstr("the call has 2 and 1"));
}

}  // namespace
}  // namespace burnish
