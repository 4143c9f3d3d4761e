// Which machine an engine is for, and what is refused.
#include "builder/build_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "builder/builder_case.h"
#include "engine/engine_file.h"
#include "kernels/cuda/driver.h"
#include "kernels/cuda/nvrtc.h"

namespace burnish {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

BuildOptions for_target(const std::string& target) {
  BuildOptions options;
  options.target = target;
  return options;
}

std::string refusal_of(const BuildOptions& options) {
  return failure_of([&] { build_target(options); });
}

TEST(BuildTarget, TheCpuIsTheDefault) {
  EXPECT_EQ(build_target({}).kind, "cpu");
}

TEST(BuildTarget, UnknownTargetsAreRefusedWithTheKnownOnes) {
  for (const char* target : {"gpu", "", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "sm_", "sm_x", "sm_90a"}) {
    EXPECT_THAT(refusal_of(for_target(target)), AllOf(StartsWith("invalid_argument"), HasSubstr("cpu, cuda")))
        << target;
  }
}

TEST(BuildTarget, OldGpusAreRefused) {
  EXPECT_THAT(refusal_of(for_target("sm_70")), AllOf(StartsWith("unsupported"), HasSubstr("7.0")));
}

TEST(BuildTarget, WithoutADriverTheErrorSaysWhatToDo) {
  if (cuda::driver_available()) GTEST_SKIP() << "there is a driver";
  EXPECT_THAT(refusal_of(for_target("cuda")), AllOf(StartsWith("unsupported"), HasSubstr("--target cpu")));
}

TEST(BuildTarget, NoGpuBeyondTheLast) {
  if (!cuda::driver_available()) GTEST_SKIP() << "no GPU";
  EXPECT_THAT(refusal_of(for_target("cuda:99")), AllOf(StartsWith("invalid_argument"), HasSubstr("no GPU 99")));
}

TEST(BuildTarget, Int8IsRefusedOnGpus) {
  if (!cuda::nvrtc_available()) GTEST_SKIP() << "no NVRTC";
  BuildOptions options = for_target("sm_90");
  options.precision.int8 = true;
  EXPECT_THAT(refusal_of(options), HasSubstr("--int8"));
}

TEST(BuildTarget, NothingIsMeasuredOnAGpuThatIsNotAtHand) {
  if (!cuda::nvrtc_available()) GTEST_SKIP() << "no NVRTC";
  BuildOptions options = for_target("sm_90");
  options.precision.fp16 = true;
  options.precision.calibrate = {"samples.npz"};
  EXPECT_THAT(refusal_of(options), HasSubstr("not at hand"));
}

TEST(BuildTarget, EnginesForAbsentGpusAreBuiltAndRefusedHere) {
  if (!cuda::nvrtc_available()) GTEST_SKIP() << "no NVRTC";
  const TestFolder folder;
  BuildOptions options = for_target("sm_75");
  options.precision.fp16 = true;
  const std::string path = folder / "absent.engine";
  build("examples/fashion/fashion_resnet.onnx", path, options);
  const EngineData data = read_engine(path);
  EXPECT_EQ(data.target_kind, "cuda");
  EXPECT_EQ(data.target_isa, "sm_75");
  EXPECT_THAT(data.metadata.at("option.tactics"), HasSubstr("without timing"));
  try {
    Engine::load(path);
    ADD_FAILURE() << "an engine for another GPU was loaded";
  } catch (const Exception& e) {
    const bool has_gpu = cuda::driver_available();
    EXPECT_EQ(e.code(), has_gpu ? "mismatch" : "unsupported");
    EXPECT_THAT(e.what(), HasSubstr(has_gpu ? "sm_75" : "NVIDIA driver"));
  }
}

TEST(BuildTarget, SeveralTargetsShareAFile) {
  EXPECT_EQ(split_targets("sm_80,cpu"), (std::vector<std::string>{"sm_80", "cpu"}));
  EXPECT_THAT(failure_of([] { split_targets("cpu,cpu"); }), HasSubstr("twice"));
  if (!cuda::nvrtc_available()) GTEST_SKIP() << "no NVRTC";
  const TestFolder folder;
  const std::string path = folder / "both.engine";
  BuildOptions options = for_target("sm_75,cpu");
  options.opt_level = 1;
  build("examples/fashion/fashion_resnet.onnx", path, options);
  // The CPU's where there is no such GPU.
  ExecutionContext context = Engine::load(path).create_context(1);
  const std::vector<float> pixels(28 * 28, 0.5F);
  context.set_input("image", DataType::kFloat32, std::vector<int64_t>{1, 1, 28, 28}, pixels.data());
  context.execute();
  EXPECT_EQ(context.output_bytes("logits"), 10 * sizeof(float));
}

TEST(BuildTarget, AFileWithoutAnEngineForThisMachineSaysWhatItHolds) {
  if (!cuda::nvrtc_available()) GTEST_SKIP() << "no NVRTC";
  const TestFolder folder;
  const std::string path = folder / "others.engine";
  BuildOptions options = for_target("sm_75,sm_120");
  options.opt_level = 1;
  build("examples/fashion/fashion_resnet.onnx", path, options);
  try {
    Engine::load(path);
    ADD_FAILURE() << "an engine for another GPU was loaded";
  } catch (const Exception& e) {
    EXPECT_EQ(e.code(), "mismatch");
    EXPECT_THAT(e.what(), AllOf(HasSubstr("sm_75, sm_120"), HasSubstr("burnish build")));
  }
}

}  // namespace
}  // namespace burnish
