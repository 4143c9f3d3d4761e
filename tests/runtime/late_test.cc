// Outputs whose shapes depend on data.
#include <gmock/gmock.h>

#include "runtime/plan_builder.h"
#include "runtime/test_tactics.h"

namespace burnish {
namespace {

using ::testing::ElementsAre;
using testing::floats_of;
using testing::make_engine;
using testing::PlanBuilder;
using testing::run_one;

// The coordinates of x's positive elements, doubled by a tactic; and relu(x), planned and read late in a concat.
EngineData nonzero_engine() {
  PlanBuilder b;
  const Dim n = Dim::symbol("n");
  const auto x = b.input("x", DType::kFloat32, {2, 3});
  const auto relu = b.value("relu", DType::kFloat32, {2, 3});
  const auto where = b.value("where", DType::kInt64, {2, n});
  const auto where_f = b.value("where_f", DType::kFloat32, {2, n});
  const auto doubled = b.value("doubled", DType::kFloat32, {2, n});
  const auto both = b.value_of_any_shape("both", DType::kFloat32);
  b.step("Relu", {x}, {relu}, {}, "test.rows");
  b.step("NonZero", {relu}, {where});
  AttributeMap to_float;
  to_float.set("to", int64_t{1});
  b.step("Cast", {where}, {where_f}, to_float);
  b.step("Add", {where_f, where_f}, {doubled}, {}, "test.rows");
  b.concat({relu, doubled}, both, 1, {0, 1});
  b.output("doubled", doubled);
  b.output("both", both);
  b.output("relu", relu);
  return b.build();
}

TEST(LateSteps, ShapesFollowTheData) {
  ExecutionContext context = make_engine(nonzero_engine()).create_context(2);
  for (int round = 0; round < 3; ++round) {
    EXPECT_THAT(run_one(context, "x", {2, 3}, {0, 5, -1, 7, 0, 9}, "doubled"), ElementsAre(0, 2, 2, 2, 0, 4));
    EXPECT_THAT(context.output_shape("doubled"), ElementsAre(2, 3));
    EXPECT_THAT(floats_of(context, "both"), ElementsAre(0, 5, 0, 0, 2, 2, 7, 0, 9, 2, 0, 4));
    EXPECT_THAT(floats_of(context, "relu"), ElementsAre(0, 5, 0, 7, 0, 9));
    EXPECT_THAT(run_one(context, "x", {2, 3}, {0, 0, 0, 0, 1, 0}, "doubled"), ElementsAre(2, 2));
    EXPECT_THAT(context.output_shape("both"), ElementsAre(2, 4));
  }
}

TEST(LateSteps, NothingFoundGivesAnEmptyOutput) {
  ExecutionContext context = make_engine(nonzero_engine()).create_context(1);
  EXPECT_TRUE(run_one(context, "x", {2, 3}, {0, 0, 0, 0, 0, 0}, "doubled").empty());
  EXPECT_THAT(context.output_shape("doubled"), ElementsAre(2, 0));
  EXPECT_THAT(run_one(context, "x", {2, 3}, {1, 0, 0, 0, 0, 0}, "doubled"), ElementsAre(0, 0));
}

TEST(LateSteps, CallersMemoryIsCheckedWhenTheShapeIsKnown) {
  ExecutionContext context = make_engine(nonzero_engine()).create_context(1);
  float memory[4] = {};
  context.set_output("doubled", memory, sizeof(memory));
  EXPECT_THAT(run_one(context, "x", {2, 3}, {0, 5, 0, 7, 0, 0}, "doubled"), ElementsAre(0, 2, 2, 0));
  EXPECT_EQ(context.output("doubled"), memory);
  EXPECT_THROW(run_one(context, "x", {2, 3}, {1, 1, 1, 1, 1, 1}, "doubled"), Exception);
  EXPECT_THAT(run_one(context, "x", {2, 3}, {0, 5, 0, 7, 0, 0}, "doubled"), ElementsAre(0, 2, 2, 0));
}

TEST(LateSteps, ShapeIsUnknownBeforeExecution) {
  ExecutionContext context = make_engine(nonzero_engine()).create_context(1);
  context.prepare();
  EXPECT_THAT(context.output_shape("relu"), ElementsAre(2, 3));
  EXPECT_THROW(context.output_shape("doubled"), Exception);
}

TEST(LateSteps, ProfileIncludesThem) {
  ExecutionContext context = make_engine(nonzero_engine()).create_context(1);
  const std::vector<float> x = {0, 5, -1, 7, 0, 9};
  context.set_input("x", x.data());
  EXPECT_EQ(context.profile(3).size(), 5U);
}

}  // namespace
}  // namespace burnish
