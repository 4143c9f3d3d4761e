#include <gtest/gtest.h>

#include "cuda/cuda_case.h"

namespace burnish::testing {
namespace {

ProblemCase gather(Tensor data, Tensor indices, int64_t axis) {
  ProblemCase c{.op = "Gather", .inputs = {std::move(data), std::move(indices)}};
  c.attrs.set("axis", axis);
  return c;
}

TEST(CudaGather, PicksRowsAlongAnyAxis) {
  for (const DType data : {DType::kFloat32, DType::kFloat16, DType::kUInt8, DType::kInt64}) {
    for (const DType index : {DType::kInt64, DType::kInt32}) {
      for (const int64_t axis : {0, 1, -1}) {
        SCOPED_TRACE(fmt::format("{} by {} along {}", name_of(data), name_of(index), axis));
        const Tensor x = random_tensor(data, {9, 11, 24}, 1, -100, 100);
        const Tensor some = random_tensor(index, {3, 5}, 2, -9, 9);  // negative ones count from the end
        expect_gpu_matches("cuda.gather", gather(x, some, axis));
        expect_gpu_matches("cuda.gather", gather(x, some, axis), {.free_inputs = {0, 1}, .misalign = 1});
      }
    }
  }
  expect_gpu_matches("cuda.gather", gather(random_floats({5, 3}, 1), Tensor::from_ints(std::vector<int64_t>{2}), 0));
}

TEST(CudaGather, LooksUpEmbeddings) {
  const Tensor table = random_tensor(DType::kFloat16, {3000, 768}, 1);
  expect_gpu_matches("cuda.gather", gather(table, random_tensor(DType::kInt64, {1, 128}, 2, 0, 2999), 0));
}

}  // namespace
}  // namespace burnish::testing
