#include "engine/shape_resolver.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "engine/verify.h"
#include "runtime/plan_builder.h"

namespace burnish {
namespace {

using testing::PlanBuilder;
using testing::small_engine;

const Shape& shape_of(const Plan& plan, const ResolvedShapes& resolved, const std::string& name) {
  for (size_t i = 0; i < plan.values.size(); ++i) {
    if (plan.values[i].name == name) return *resolved.shapes[i];
  }
  throw std::runtime_error("no value " + name);
}

TEST(ShapeResolver, FollowsShapesThroughStepsAndShapeArithmetic) {
  const EngineData data = small_engine();
  const Plan& plan = data.plans[0];
  const ResolvedShapes resolved = resolve_shapes(plan, data.blobs, {{"x", Shape{3, 4}}});
  EXPECT_EQ(shape_of(plan, resolved, "both"), (Shape{3, 8}));
  EXPECT_EQ(shape_of(plan, resolved, "flat"), (Shape{24, 1}));
  EXPECT_EQ(resolved.first_late_step, plan.steps.size());
  for (size_t i = 0; i < plan.values.size(); ++i) {
    if (plan.values[i].name != "target") continue;
    ASSERT_TRUE(resolved.tensors[i].defined());
    EXPECT_EQ(resolved.tensors[i].as<int64_t>()[0], 24);
  }
}

TEST(ShapeResolver, UnknownShapesStartTheLatePart) {
  PlanBuilder b;
  const auto x = b.input("x", DType::kFloat32, {4});
  const auto y = b.value("y", DType::kFloat32, {4});
  const auto indices = b.value("indices", DType::kInt64, {1, Dim::symbol("n")});
  const auto z = b.value("z", DType::kInt64, {1, Dim::symbol("n")});
  b.step("Relu", {x}, {y});
  b.step("NonZero", {y}, {indices});
  b.step("Neg", {indices}, {z});
  b.output("z", z);
  const EngineData data = b.build();
  verify_engine(data);
  const ResolvedShapes resolved = resolve_shapes(data.plans[0], data.blobs, {});
  EXPECT_EQ(resolved.first_late_step, 1U);
  EXPECT_TRUE(resolved.shapes[static_cast<size_t>(y)].has_value());
  EXPECT_FALSE(resolved.shapes[static_cast<size_t>(z)].has_value());
}

TEST(ShapeResolver, PackedConstantsHaveAShapeButNoElements) {
  PlanBuilder b;
  const auto x = b.input("x", DType::kFloat32, {2, 3});
  const auto w = b.floats("w", Shape{3, 5}, std::vector<float>(15, 1.0F));
  b.at(w).blob = -1;
  const auto y = b.value("y", DType::kFloat32, {2, 5});
  b.step("MatMul", {x, w}, {y});
  b.output("y", y);
  const EngineData data = b.build();
  const ResolvedShapes resolved = resolve_shapes(data.plans[0], data.blobs, {});
  EXPECT_EQ(resolved.shapes[static_cast<size_t>(y)], (Shape{2, 5}));
  EXPECT_FALSE(resolved.tensors[static_cast<size_t>(w)].defined());
}

TEST(ShapeResolver, NamesTheStepThatDoesNotFit) {
  EngineData data = small_engine();
  data.plans[0].values[5].shape = {Dim::symbol("batch"), Dim(9)};  // "both", really 8 wide
  try {
    resolve_shapes(data.plans[0], data.blobs, {{"x", Shape{3, 4}}});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kCorrupt);
    EXPECT_THAT(e.what(), ::testing::HasSubstr("Concat"));
    EXPECT_THAT(e.what(), ::testing::HasSubstr("[3,8]"));
  }
}

TEST(ShapeResolver, ShapesPastAllLimitsAreErrors) {
  const EngineData data = small_engine();
  EXPECT_THROW(resolve_shapes(data.plans[0], data.blobs, {{"x", Shape{INT64_MAX / 2, 4}}}), Error);
  EXPECT_THROW(resolve_shapes(data.plans[0], data.blobs, {{"x", Shape{-3, 4}}}), Error);
  EXPECT_THROW(resolve_shapes(data.plans[0], data.blobs, {{"x", Shape{3}}}), Error);
  EXPECT_THROW(resolve_shapes(data.plans[0], data.blobs, {}), Error);
}

}  // namespace
}  // namespace burnish
