#include <gtest/gtest.h>

#include "kernels/problem_set.h"

namespace burnish::testing {
namespace {

TEST(Table, NamesAreUniqueAndTheReferenceIsLast) {
  const auto table = cpu_tactics();
  ASSERT_FALSE(table.empty());
  EXPECT_EQ(table.back()->name(), "cpu.reference");
  for (const Tactic* tactic : table) EXPECT_EQ(find_tactic(tactic->name()), tactic);
  EXPECT_EQ(find_tactic("cpu.no_such"), nullptr);
}

TEST(Reference, RunsAnOperatorIntoTheGivenMemory) {
  expect_matches_reference("cpu.reference",
                           {.op = "Add", .inputs = {random_floats({3, 5, 7}, 1), random_floats({5, 1}, 2)}});
}

TEST(Reference, RunsWithAbsentInputsAndSeveralOutputs) {
  ProblemCase split{.op = "Split", .inputs = {random_floats({4, 9}, 3), Tensor::from_ints(std::vector<int64_t>{2, 7})}};
  split.attrs.set("axis", int64_t{1});
  split.constant = {false, true};
  split.num_outputs = 2;
  expect_matches_reference("cpu.reference", split);
}

TEST(Reference, RefusesRowsApart) {
  ProblemCase relu{.op = "Relu", .inputs = {random_floats({3, 5}, 4)}, .input_strides = {8}};
  EXPECT_FALSE(find_tactic("cpu.reference")->supports(make_problem(relu, {random_floats({3, 5}, 4)}), detect_cpu(1)));
}

}  // namespace
}  // namespace burnish::testing
