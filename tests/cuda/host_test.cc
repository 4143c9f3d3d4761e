#include <gtest/gtest.h>

#include "cuda/cuda_case.h"
#include "kernels/cuda/driver.h"

namespace burnish::testing {
namespace {

TEST(CudaHost, RunsAnyOperatorOnTheHost) {
  if (!cuda::driver_available()) GTEST_SKIP() << "no GPU";
  expect_gpu_matches("cuda.host", {.op = "Einsum",
                                   .attrs =
                                       [] {
                                         AttributeMap attrs;
                                         attrs.set("equation", std::string("ij,jk->ki"));
                                         return attrs;
                                       }(),
                                   .inputs = {random_floats({3, 5}, 1), random_floats({5, 7}, 2)}});
}

}  // namespace
}  // namespace burnish::testing
