// Execution allocates nothing once a context has run with its shapes.
#include <gtest/gtest.h>

#include <memory>

#include "runtime/plan_builder.h"
#include "runtime/test_tactics.h"
#include "support/allocation_counter.h"

namespace burnish {
namespace {

using testing::AllocationCounter;
using testing::make_engine;
using testing::PlanBuilder;

// In place, views, a concat of which one input is copied, a strided output, misaligned input, two outputs.
EngineData varied_engine() {
  PlanBuilder b;
  const Dim n = Dim::symbol("n");
  const auto x = b.input("x", DType::kFloat32, {n, 64});
  const auto relu = b.value("relu", DType::kFloat32, {n, 64});
  const auto sum = b.value("sum", DType::kFloat32, {n, 64});
  const auto both = b.value("both", DType::kFloat32, {n, 128});
  const auto flat = b.value("flat", DType::kFloat32, {n * Dim(2), 64});
  const auto product = b.value("product", DType::kFloat32, {n * Dim(2), 64});
  b.step("Relu", {x}, {relu}, {}, "test.rows");
  b.step("Add", {relu, x}, {sum}, {}, "test.rows");
  b.alias(sum, relu);
  const auto twice = b.value("twice", DType::kFloat32, {n, 64});
  b.step("Add", {x, x}, {twice}, {}, "test.rows");
  b.concat({sum, twice}, both, 1, {1});
  b.view("Reshape", {both, b.ints("shape", {-1, 64})}, flat);
  b.step("Mul", {flat, flat}, {product}, {}, "test.rows");
  b.output("product", product);
  b.output("twice", twice);
  b.profile("x", Shape{1, 64}, Shape{2, 64}, Shape{64, 64});
  return b.build();
}

TEST(Allocation, CounterCounts) {
  const AllocationCounter counter;
  EXPECT_EQ(AllocationCounter::count(), 0);
  const auto p = std::make_unique<std::vector<int>>(10);
  EXPECT_EQ(AllocationCounter::count(), 2);
}

TEST(Allocation, ExecutionAllocatesNothing) {
  ExecutionContext context = make_engine(varied_engine()).create_context(2);
  std::vector<std::byte> x(64 * 64 * 4 + 1);
  std::vector<float> y(128 * 64);
  const std::vector<int64_t> shape = {48, 64};
  context.set_input("x", DataType::kFloat32, shape, x.data() + 1);
  context.set_output("product", y.data(), y.size() * sizeof(float));
  context.execute();
  const AllocationCounter counter;
  for (int i = 0; i < 3; ++i) context.execute();
  EXPECT_EQ(AllocationCounter::count(), 0);
}

TEST(Allocation, NewPointersNeedNoMemoryEither) {
  ExecutionContext context = make_engine(varied_engine()).create_context(1);
  std::vector<float> x(64 * 64);
  std::vector<float> y(128 * 64);
  const std::vector<int64_t> shape = {8, 64};
  context.set_input("x", DataType::kFloat32, shape, x.data());
  context.execute();
  const AllocationCounter counter;
  for (int i = 0; i < 3; ++i) {
    context.set_input("x", x.data() + 8 * i);
    context.set_output("product", y.data() + 16 * i, 40000 / (i + 1));
    context.execute();
  }
  EXPECT_EQ(AllocationCounter::count(), 0);
}

}  // namespace
}  // namespace burnish
