#include <gtest/gtest.h>

#include <limits>

#include "kernels/problem_set.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cpu.logic";

TEST(Logic, ChoosesElementsOfAnyType) {
  for (const DType dtype : {DType::kFloat32, DType::kInt64, DType::kFloat16, DType::kBool}) {
    const auto where = [&](const Shape& c, const Shape& x, const Shape& y) {
      expect_matches_reference(kTactic,
                               {.op = "Where",
                                .inputs = {random_tensor(DType::kBool, c, 1), random_tensor(dtype, x, 2, -9, 9),
                                           random_tensor(dtype, y, 3, -9, 9)}});
    };
    where({3, 5, 7}, {3, 5, 7}, {3, 5, 7});
    where({2, 1, 1, 41}, {}, {2, 3, 37, 41});
    where({5, 1}, {7}, {5, 7});
    where({}, {1}, {50000});
  }
}

TEST(Logic, ComparesAndCombines) {
  for (const char* op : {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"}) {
    for (const DType dtype : {DType::kFloat32, DType::kInt64, DType::kInt32}) {
      expect_matches_reference(
          kTactic,
          {.op = op, .inputs = {random_tensor(dtype, {9, 31}, 1, -3, 3), random_tensor(dtype, {31}, 2, -3, 3)}});
    }
  }
  const Tensor a = random_tensor(DType::kBool, {7, 30}, 1), b = random_tensor(DType::kBool, {7, 1}, 2);
  for (const char* op : {"And", "Or", "Xor", "Equal"}) expect_matches_reference(kTactic, {.op = op, .inputs = {a, b}});
  expect_matches_reference(kTactic, {.op = "Not", .inputs = {a}});
}

TEST(Logic, ConvertsAsTheReferenceDoes) {
  const DType types[] = {DType::kFloat32, DType::kFloat64, DType::kInt64, DType::kInt32,
                         DType::kInt8,    DType::kUInt8,   DType::kBool};
  for (const DType from : types) {
    for (const DType to : types) {
      SCOPED_TRACE(fmt::format("{} to {}", name_of(from), name_of(to)));
      ProblemCase c{.op = "Cast", .inputs = {random_tensor(from, {3, 1001}, 1, -900, 900)}};
      c.attrs.set("to", std::string(name_of(to)));
      expect_matches_reference(kTactic, c);
    }
  }
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const DType to : {DType::kInt64, DType::kInt32, DType::kUInt8, DType::kBool}) {
    ProblemCase c{.op = "Cast",
                  .inputs = {Tensor::from_floats(std::vector<float>{inf, -inf, nan, 3e10F, -0.0F, 1e20F})}};
    c.attrs.set("to", std::string(name_of(to)));
    expect_matches_reference(kTactic, c);
  }
}

}  // namespace
}  // namespace burnish::testing
