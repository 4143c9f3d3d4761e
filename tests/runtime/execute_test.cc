// What execution computes, for every way a value can get its memory.
#include <gmock/gmock.h>

#include <numeric>

#include "runtime/plan_builder.h"
#include "runtime/shape_choice.h"
#include "runtime/test_tactics.h"

namespace burnish {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using testing::floats_of;
using testing::make_engine;
using testing::PlanBuilder;
using testing::run_one;
using testing::small_engine;

constexpr const char* kRows = "test.rows";

std::vector<float> counting(int64_t n, float first = 1) {
  std::vector<float> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), first);
  return values;
}

// What small_engine() computes: relu(3·x) next to 3·x, row by row.
std::vector<float> expected_small(const std::vector<float>& x) {
  std::vector<float> y;
  for (size_t row = 0; row < x.size(); row += 4) {
    for (size_t i = 0; i < 4; ++i) y.push_back(std::max(0.0F, 3 * x[row + i]));
    for (size_t i = 0; i < 4; ++i) y.push_back(3 * x[row + i]);
  }
  return y;
}

TEST(Execute, SmallEngineAtEveryBatch) {
  const Engine engine = make_engine(small_engine());
  ExecutionContext context = engine.create_context(1);
  for (const int64_t batch : {1, 3, 8, 2, 3}) {
    const auto x = counting(batch * 4, -5);
    EXPECT_THAT(run_one(context, "x", {batch, 4}, x, "y"), ElementsAreArray(expected_small(x)));
    EXPECT_THAT(context.output_shape("y"), ElementsAre(batch * 8, 1));
    EXPECT_EQ(context.output_bytes("sum"), static_cast<size_t>(batch) * 16);
  }
}

TEST(Execute, RemembersMoreShapesThanItKeeps) {
  EngineData data = small_engine();
  data.plans[0].profile.inputs["x"].max = Shape{40, 4};
  ExecutionContext context = make_engine(data).create_context(1);
  for (int round = 0; round < 2; ++round) {
    for (int64_t batch = 1; batch <= 20; ++batch) {
      const auto x = counting(batch * 4, -9);
      EXPECT_THAT(run_one(context, "x", {batch, 4}, x, "y"), ElementsAreArray(expected_small(x)));
    }
  }
}

TEST(Execute, WritesIntoTheCallersMemory) {
  ExecutionContext context = make_engine(small_engine()).create_context(2);
  const auto x = counting(8, -3);
  for (const size_t shift : {0, 4}) {  // aligned to a cache line, and not
    alignas(64) std::byte y[128 + 16] = {};
    context.set_output("y", y + shift, 64);
    EXPECT_THAT(run_one(context, "x", {2, 4}, x, "y"), ElementsAreArray(expected_small(x)));
    EXPECT_EQ(context.output("y"), y + shift);
    EXPECT_TRUE(context.is_written_directly("y"));
  }
  context.set_output("y", nullptr, 0);
  EXPECT_THAT(run_one(context, "x", {2, 4}, x, "y"), ElementsAreArray(expected_small(x)));
}

TEST(Execute, InputAndOutputMayShareMemory) {
  PlanBuilder b;
  const auto x = b.input("x", DType::kFloat32, {16});
  const auto y = b.value("y", DType::kFloat32, {16});
  const auto z = b.value("z", DType::kFloat32, {16});
  b.step("Add", {x, x}, {y}, {}, kRows);
  b.step("Add", {y, x}, {z}, {}, kRows);  // still reads x
  b.output("z", z);
  b.output("y", y);
  ExecutionContext context = make_engine(b.build()).create_context(1);
  alignas(64) float memory[16];
  std::iota(memory, memory + 16, 1.0F);
  context.set_input("x", memory);
  context.set_output("y", memory, sizeof(memory));
  context.execute();
  EXPECT_EQ(floats_of(context, "z")[3], 12);
  EXPECT_EQ(memory[3], 8);
}

TEST(Execute, MisalignedInputsAreCopied) {
  ExecutionContext context = make_engine(small_engine()).create_context(1);
  const auto x = counting(4);
  alignas(64) char bytes[64];
  for (const size_t shift : {0, 1, 3, 4}) {
    std::memcpy(bytes + shift, x.data(), 16);
    const std::vector<int64_t> shape = {1, 4};
    context.set_input("x", DataType::kFloat32, shape, bytes + shift);
    context.execute();
    EXPECT_THAT(floats_of(context, "y"), ElementsAreArray(expected_small(x)));
  }
}

TEST(Execute, PassesThroughInputsConstantsAndViews) {
  PlanBuilder b;
  const auto x = b.input("x", DType::kFloat32, {2, 3});
  const auto c = b.floats("c", Shape{2}, {7, 8});
  const auto target = b.ints("target", {3, 2});
  const auto view = b.value("view", DType::kFloat32, {3, 2});
  const auto y = b.value("y", DType::kFloat32, {2, 3});
  const auto flat = b.value("flat", DType::kFloat32, {6});
  b.view("Reshape", {x, target}, view);
  b.step("Relu", {x}, {y}, {}, kRows);
  b.view("Reshape", {y, b.ints("six", {6})}, flat);
  b.output("x_again", x);
  b.output("constant", c);
  b.output("view", view);
  b.output("y", y);
  b.output("y_again", y);
  b.output("flat", flat);
  ExecutionContext context = make_engine(b.build()).create_context(1);
  for (int round = 0; round < 2; ++round) {
    const auto x_data = counting(6, -2);
    alignas(64) float target_memory[6];
    if (round == 1) context.set_output("y_again", target_memory, sizeof(target_memory));
    run_one(context, "x", {2, 3}, x_data, "y");
    EXPECT_THAT(floats_of(context, "x_again"), ElementsAreArray(x_data));
    EXPECT_NE(context.output("x_again"), x_data.data()) << "outlives the caller's input";
    EXPECT_THAT(floats_of(context, "constant"), ElementsAre(7, 8));
    EXPECT_THAT(floats_of(context, "view"), ElementsAreArray(x_data));
    EXPECT_THAT(context.output_shape("view"), ElementsAre(3, 2));
    for (const char* name : {"y", "y_again", "flat"}) {
      EXPECT_THAT(floats_of(context, name), ElementsAre(0, 0, 0, 1, 2, 3)) << name;
    }
  }
}

TEST(Execute, InPlaceChain) {
  PlanBuilder b;
  const auto x = b.input("x", DType::kFloat32, {5, 7});
  PlanValueId last = x;
  for (int i = 0; i < 6; ++i) {
    const auto next = b.value("v" + std::to_string(i), DType::kFloat32, {5, 7});
    b.step("Add", {last, x}, {next}, {}, kRows);
    if (i > 0) b.alias(next, last);
    last = next;
  }
  b.output("y", last);
  ExecutionContext context = make_engine(b.build()).create_context(2);
  const auto x_data = counting(35);
  auto expected = x_data;
  for (float& v : expected) v *= 7;
  EXPECT_THAT(run_one(context, "x", {5, 7}, x_data, "y"), ElementsAreArray(expected));
  EXPECT_LE(context.arena_bytes(), 192U) << "one buffer";
}

struct ConcatCase {
  int64_t rows;
  std::vector<int32_t> placed;
};
class ConcatInPlace : public ::testing::TestWithParam<ConcatCase> {};

// y = concat(relu(x), x + x, relu(x + x)) along the last axis, some of it written in place and read from there.
TEST_P(ConcatInPlace, EqualsACopy) {
  const int64_t rows = GetParam().rows;
  PlanBuilder b;
  const auto x = b.input("x", DType::kFloat32, {rows, 3});
  const auto relu = b.value("relu", DType::kFloat32, {rows, 3});
  const auto twice = b.value("twice", DType::kFloat32, {rows, 3});
  const auto relu_twice = b.value("relu_twice", DType::kFloat32, {rows, 3});
  const auto all = b.value("all", DType::kFloat32, {rows, 9});
  b.step("Relu", {x}, {relu}, {}, kRows);
  b.step("Add", {x, x}, {twice}, {}, kRows);
  b.step("Relu", {twice}, {relu_twice}, {}, kRows);
  b.concat({relu, twice, relu_twice}, all, 1, GetParam().placed);
  b.output("all", all);
  b.output("twice", twice);  // may be strided inside: must come out dense
  ExecutionContext context = make_engine(b.build()).create_context(2);
  const auto x_data = counting(rows * 3, -4);
  std::vector<float> expected;
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x_data.data() + r * 3;
    for (int c = 0; c < 3; ++c) expected.push_back(std::max(row[c], 0.0F));
    for (int c = 0; c < 3; ++c) expected.push_back(2 * row[c]);
    for (int c = 0; c < 3; ++c) expected.push_back(std::max(2 * row[c], 0.0F));
  }
  EXPECT_THAT(run_one(context, "x", {rows, 3}, x_data, "all"), ElementsAreArray(expected));
  auto doubled = x_data;
  for (float& v : doubled) v *= 2;
  EXPECT_THAT(floats_of(context, "twice"), ElementsAreArray(doubled));
}

INSTANTIATE_TEST_SUITE_P(All, ConcatInPlace,
                         ::testing::Values(ConcatCase{5, {}}, ConcatCase{5, {1}}, ConcatCase{5, {0, 2}},
                                           ConcatCase{5, {0, 1, 2}}, ConcatCase{1, {0, 2}}, ConcatCase{3001, {0, 1}}));

TEST(Execute, ConcatOfWholeBlocksIsDense) {
  PlanBuilder b;
  const auto x = b.input("x", DType::kFloat32, {1, 2, 3});
  const auto relu = b.value("relu", DType::kFloat32, {1, 2, 3});
  const auto twice = b.value("twice", DType::kFloat32, {1, 2, 3});
  const auto all = b.value("all", DType::kFloat32, {1, 4, 3});
  b.step("Relu", {x}, {relu}, {}, kRows);
  b.step("Add", {x, x}, {twice}, {}, kRows);
  b.concat({relu, twice}, all, 1, {0, 1});
  b.output("all", all);
  ExecutionContext context = make_engine(b.build()).create_context(1);
  EXPECT_THAT(run_one(context, "x", {1, 2, 3}, counting(6, -2), "all"),
              ElementsAre(0, 0, 0, 1, 2, 3, -4, -2, 0, 2, 4, 6));
}

TEST(Execute, PackedWeightsReplaceTheConstant) {
  PlanBuilder b;
  const auto x = b.input("x", DType::kFloat32, {4});
  const auto w = b.floats("w", Shape{4}, {1, 2, 3, 4});
  const auto y = b.value("y", DType::kFloat32, {4});
  b.at(w).blob = -1;
  b.blobs()[0].dtype = DType::kUndefined;
  b.step("Mul", {x, w}, {y}, {}, kRows).packed = {0};
  b.output("y", y);
  ExecutionContext context = make_engine(b.build()).create_context(1);
  EXPECT_THAT(run_one(context, "x", {4}, {1, 1, 2, 2}, "y"), ElementsAre(1, 2, 6, 8));
}

TEST(Execute, EmptyTensors) {
  PlanBuilder b;
  const Dim n = Dim::symbol("n");
  const auto x = b.input("x", DType::kFloat32, {n, 2});
  const auto y = b.value("y", DType::kFloat32, {n, 2});
  const auto sum = b.value("sum", DType::kFloat32, {1, 2});
  AttributeMap rows;
  rows.set("keepdims", int64_t{1});
  b.step("Relu", {x}, {y}, {}, kRows);
  b.step("ReduceSum", {y, b.ints("axis", {0})}, {sum}, rows);
  b.profile("x", Shape{0, 2}, Shape{1, 2}, Shape{4, 2});
  b.output("y", y);
  b.output("sum", sum);
  ExecutionContext context = make_engine(b.build()).create_context(1);
  EXPECT_TRUE(run_one(context, "x", {0, 2}, {}, "y").empty());
  EXPECT_THAT(floats_of(context, "sum"), ElementsAre(0, 0));
  EXPECT_THAT(run_one(context, "x", {2, 2}, {1, 2, 3, 4}, "sum"), ElementsAre(4, 6));
}

TEST(Execute, EveryProfileServesItsShapes) {
  EngineData data = small_engine();
  data.plans[0].profile.inputs["x"] = {Shape{1, 4}, Shape{1, 4}, Shape{1, 4}};
  data.plans.push_back(data.plans[0]);
  data.plans[1].profile.inputs["x"] = {Shape{2, 4}, Shape{4, 4}, Shape{8, 4}};
  const Engine engine = make_engine(data);
  EXPECT_EQ(engine.num_profiles(), 2U);
  EXPECT_THAT(engine.input_range("x", 1).max, ElementsAre(8, 4));
  ExecutionContext context = engine.create_context(1);
  for (const int64_t batch : {1, 5, 1}) {
    const auto x = counting(batch * 4);
    EXPECT_THAT(run_one(context, "x", {batch, 4}, x, "y"), ElementsAreArray(expected_small(x)));
  }
}

TEST(Execute, TheProfileThatIsTunedForTheNearestShapesServes) {
  EngineData data = small_engine();
  data.plans.resize(4, data.plans[0]);
  const auto range = [&](size_t plan, int64_t min, int64_t opt, int64_t max) {
    data.plans[plan].profile.inputs["x"] = {Shape{min, 4}, Shape{opt, 4}, Shape{max, 4}};
  };
  range(0, 1, 1, 32);
  range(1, 4, 4, 4);
  range(2, 1, 4, 32);
  range(3, 8, 16, 32);
  const std::pair<int64_t, size_t> served[] = {{1, 0},  {2, 0},          // as far from 1 as from 4, equally wide
                                               {3, 2},  {4, 1},          // made for it alone
                                               {5, 2},  {7, 2}, {8, 3},  // as far from 4 as from 16, narrower
                                               {15, 3}, {32, 3}};
  for (const auto& [batch, plan] : served) {
    EXPECT_EQ(&choose_plan(data, {Shape{batch, 4}}), &data.plans[plan]) << "batch " << batch;
  }
}

TEST(Execute, UnusedInputsNeedNoData) {
  PlanBuilder b;
  const auto x = b.input("x", DType::kFloat32, {3});
  b.input("unused", DType::kFloat32, {3});
  const auto shape = b.value("shape", DType::kInt64, {1});
  b.shape_step("Shape", {x}, {shape});
  b.output("shape", shape);
  ExecutionContext context = make_engine(b.build()).create_context(1);
  context.execute();
  EXPECT_EQ(*static_cast<const int64_t*>(context.output("shape")), 3);
}

TEST(Execute, ProfileTimesEveryStepThatRuns) {
  ExecutionContext context = make_engine(small_engine()).create_context(1);
  const auto x = counting(8);
  const std::vector<int64_t> shape = {2, 4};
  context.set_input("x", DataType::kFloat32, shape, x.data());
  const auto timings = context.profile(5);
  ASSERT_EQ(timings.size(), 4U);  // Mul, Add, Relu, Concat; views and shape steps cost nothing
  EXPECT_EQ(timings[1].op, "Add");
  EXPECT_EQ(timings[1].tactic, "cpu.reference");
  EXPECT_GT(timings[1].median_us, 0);
  EXPECT_NEAR(timings[1].megabytes, 3 * 32 * 1e-6, 1e-12);
}

}  // namespace
}  // namespace burnish
