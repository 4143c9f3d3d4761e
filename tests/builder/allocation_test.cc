// Engines as the compiler makes them allocate nothing while executing.
#include <burnish/builder.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "support/allocation_counter.h"
#include "support/structure.h"

namespace burnish {
namespace {

using testing::AllocationCounter;
using testing::Structure;
using Shapes = std::map<std::string, std::vector<int64_t>>;

int allocations_of(const std::string& model, const Shapes& shapes) {
  const std::string engine_path = ::testing::TempDir() + fmt::format("burnish_allocation_{}.engine", ::getpid());
  BuildOptions options;
  options.num_threads = 2;
  options.opt_level = 3;
  options.profiles.emplace_back();
  for (const auto& [name, shape] : shapes) options.profiles[0].inputs[name] = {shape, shape, shape};
  build(model, engine_path, options);
  ExecutionContext context = Engine::load(engine_path).create_context(2);
  std::filesystem::remove(engine_path);
  std::vector<int64_t> zeros(1 << 20);
  for (const auto& [name, shape] : shapes) {
    context.set_input_shape(name, shape);
    context.set_input(name, zeros.data());
  }
  context.execute();
  const AllocationCounter counter;
  context.execute();
  return AllocationCounter::count();
}

TEST(Allocation, TrainedClassifiers) {
  for (const char* name : {"fashion_resnet", "fashion_mobile"}) {
    const std::string model = fmt::format("examples/fashion/{}.onnx", name);
    EXPECT_EQ(allocations_of(model, {{"image", {3, 1, 28, 28}}}), 0) << name;
  }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

class StructureAllocation : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "whole networks take minutes under the sanitizers; the release build counts";
  }
  static int allocations(const Shapes& shapes) {
    const Structure structure(GetParam(), false);
    return allocations_of(structure.model_path(), shapes);
  }
};

using Images = StructureAllocation;
TEST_P(Images, ExecutionAllocatesNothing) {
  const bool resnet = GetParam().starts_with("resnet");
  EXPECT_EQ(allocations(resnet ? Shapes{{"input", {1, 3, 224, 224}}} : Shapes{{"images", {1, 3, 640, 640}}}), 0);
}
INSTANTIATE_TEST_SUITE_P(All, Images,
                         ::testing::Values("resnet50_legacy", "resnet50_dynamo", "yolov5s_legacy", "yolov5s_dynamo"),
                         [](const auto& info) { return info.param; });

using Texts = StructureAllocation;
TEST_P(Texts, ExecutionAllocatesNothing) {
  const std::vector<int64_t> shape{2, 32};
  EXPECT_EQ(allocations({{"input_ids", shape}, {"attention_mask", shape}, {"token_type_ids", shape}}), 0);
}
INSTANTIATE_TEST_SUITE_P(All, Texts, ::testing::Values("minilm_legacy", "minilm_dynamo", "bert_legacy", "bert_dynamo"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace burnish
