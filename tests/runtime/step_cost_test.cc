#include "runtime/step_cost.h"

#include <gtest/gtest.h>

namespace burnish {
namespace {

struct CostCase {
  const char* op;
  std::vector<Shape> inputs;
  Shape output;
  AttributeMap attrs;
  double flops;
};

AttributeMap with(const char* name, int64_t value) {
  AttributeMap attrs;
  attrs.set(name, value);
  return attrs;
}

TEST(StepCost, FormulasFollowTheShapes) {
  const CostCase cases[] = {
      // ResNet-50's stem: 2·64·112²·3·7² = 236 MFLOP.
      {"FusedConv", {{1, 3, 224, 224}, {64, 3, 7, 7}}, {1, 64, 112, 112}, {}, 2.0 * 64 * 112 * 112 * 3 * 49},
      {"Conv", {{2, 8, 4, 4}, {8, 1, 3, 3}}, {2, 8, 4, 4}, with("group", 8), 2.0 * 2 * 8 * 16 * 9},
      {"ConvTranspose", {{1, 4, 5, 5}, {4, 2, 3, 3}}, {1, 2, 7, 7}, {}, 2.0 * 4 * 25 * 2 * 9},
      {"MatMul", {{5, 6, 7}, {7, 8}}, {5, 6, 8}, {}, 2.0 * 5 * 6 * 7 * 8},
      {"Gemm", {{7, 6}, {7, 8}}, {6, 8}, with("transA", 1), 2.0 * 6 * 7 * 8},
      {"FusedAttention", {{2, 5, 12}, {2, 9, 12}, {2, 9, 8}}, {2, 5, 8}, {}, 2.0 * 2 * 5 * 9 * (12 + 8)},
      {"FusedAttention", {{2, 5, 36}}, {2, 5, 12}, with("packed_qkv", 1), 2.0 * 2 * 5 * 5 * (12 + 12)},
      {"Relu", {{3, 4}}, {3, 4}, {}, 0},
  };
  for (const CostCase& c : cases) {
    Problem problem;
    problem.op = c.op;
    problem.attrs = &c.attrs;
    double bytes = 4 * static_cast<double>(c.output.num_elements());
    for (const Shape& s : c.inputs) {
      problem.inputs.push_back({DType::kFloat32, s, 0});
      bytes += 4 * static_cast<double>(s.num_elements());
    }
    problem.outputs.push_back({DType::kFloat32, c.output, 0});
    EXPECT_DOUBLE_EQ(step_cost(problem).flops, c.flops) << c.op;
    EXPECT_DOUBLE_EQ(step_cost(problem).bytes, bytes) << c.op;
  }
}

TEST(StepCost, JoinedProductsCountAllTheirResults) {
  const AttributeMap attrs;
  Problem problem;
  problem.op = "JoinedConv";
  problem.attrs = &attrs;
  problem.inputs = {{DType::kFloat32, {1, 5, 5, 4}, 0}, {DType::kFloat32, {6, 4, 3, 3}, 0}};
  problem.outputs = {{DType::kFloat32, {1, 5, 5, 2}, 0}, {DType::kFloat32, {1, 5, 5, 4}, 0}};
  EXPECT_DOUBLE_EQ(step_cost(problem).flops, 2.0 * 25 * 6 * 4 * 9);
  problem.op = "JoinedMatMul";
  problem.inputs = {{DType::kFloat32, {5, 7}, 0}, {DType::kFloat32, {8, 7}, 0}};
  problem.outputs = {{DType::kFloat32, {5, 3}, 0}, {DType::kFloat32, {5, 5}, 0}};
  EXPECT_DOUBLE_EQ(step_cost(problem).flops, 2.0 * 5 * 8 * 7);
}

TEST(StepCost, PickedRowsAreNotTheWholeTable) {
  const AttributeMap attrs;
  Problem problem;
  problem.op = "Gather";
  problem.attrs = &attrs;
  problem.inputs = {{DType::kFloat32, {30000, 768}, 0}, {DType::kInt64, {7}, 0}};
  problem.outputs = {{DType::kFloat32, {7, 768}, 0}};
  EXPECT_DOUBLE_EQ(step_cost(problem).bytes, 2.0 * 7 * 768 * 4 + 7 * 8);
}

}  // namespace
}  // namespace burnish
