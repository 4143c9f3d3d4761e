// Engines on a GPU: repeatable, many contexts at once, host and device memory, streams. Skipped where there is none.
#include <burnish/builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/tensor.h"
#include "builder/builder_case.h"
#include "kernels/cuda/device.h"

namespace burnish {
namespace {

using testing::HasSubstr;

constexpr int kClasses = 10;
const std::vector<int64_t> kImage = {4, 1, 28, 28};

std::vector<float> image() {
  std::vector<float> pixels(4 * 28 * 28);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = std::sin(static_cast<float>(i));
  return pixels;
}

class CudaEngine : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda::num_devices() == 0) GTEST_SKIP() << "no GPU";
    BuildOptions options;
    options.target = "cuda";
    options.opt_level = 2;
    options.precision.fp16 = true;
    options.profiles = {parse_profile("image=1x1x28x28:4x1x28x28:8x1x28x28")};
    const std::string path = folder_ / "fp16.engine";
    build("examples/fashion/fashion_resnet.onnx", path, options);
    engine_.emplace(Engine::load(path));
  }

  ExecutionContext context_for(const std::vector<float>& pixels) const {
    ExecutionContext context = engine_->create_context();
    context.set_input("image", DataType::kFloat32, kImage, pixels.data());
    return context;
  }
  static std::vector<float> logits(ExecutionContext& context) {
    context.execute();
    const auto* data = static_cast<const float*>(context.output("logits"));
    return {data, data + kImage[0] * kClasses};
  }

  TestFolder folder_;
  std::optional<Engine> engine_;
};

TEST_F(CudaEngine, AThousandRunsGiveTheSameBits) {
  const std::vector<float> pixels = image();
  ExecutionContext context = context_for(pixels);
  const std::vector<float> first = logits(context);
  for (int i = 1; i < 1000; ++i) {
    const std::vector<float> again = logits(context);
    ASSERT_EQ(std::memcmp(again.data(), first.data(), first.size() * sizeof(float)), 0) << "run " << i;
  }
}

TEST_F(CudaEngine, ItemsOfABatchDoNotDependOnTheBatch) {
  const std::vector<float> pixels = image();
  ExecutionContext four = context_for(pixels);
  const std::vector<float> together = logits(four);
  ExecutionContext one = engine_->create_context();
  for (int64_t i = 0; i < kImage[0]; ++i) {
    one.set_input("image", DataType::kFloat32, std::vector<int64_t>{1, 1, 28, 28}, pixels.data() + i * 28 * 28);
    one.execute();
    const auto* alone = static_cast<const float*>(one.output("logits"));
    for (int c = 0; c < kClasses; ++c) {
      EXPECT_NEAR(alone[c], together[static_cast<size_t>(i * kClasses + c)], 2e-2) << "item " << i;
    }
  }
}

TEST_F(CudaEngine, DeviceMemoryAndTheCallersStream) {
  const std::vector<float> pixels = image();
  ExecutionContext on_host = context_for(pixels);
  const std::vector<float> expected = logits(on_host);
  const cuda::Device& device = cuda::Device::get(0);
  const cuda::Stream stream(device);
  const size_t bytes = pixels.size() * sizeof(float), result_bytes = expected.size() * sizeof(float);
  // A float off its alignment, as a caller's slice may be.
  const auto input = device.allocate(bytes + sizeof(float)), output = device.allocate(result_bytes);
  auto* data = static_cast<float*>(input.get()) + 1;
  cuda::copy_to_device(data, pixels.data(), bytes, stream.handle());
  ExecutionContext context = engine_->create_context();
  context.set_input("image", DataType::kFloat32, kImage, data);
  context.set_output("logits", output.get(), result_bytes);
  std::vector<float> result(expected.size());
  for (int i = 0; i < 3; ++i) {  // as launches, captured, replayed
    cuda::fill_bytes(output.get(), 0xff, result_bytes, stream.handle());
    context.enqueue(stream.handle());
    cuda::copy_to_host(result.data(), output.get(), result_bytes, stream.handle());
    stream.synchronize();
    EXPECT_EQ(result, expected);
  }
}

TEST_F(CudaEngine, EveryStepIsTimed) {
  const std::vector<float> pixels = image();
  ExecutionContext context = context_for(pixels);
  const auto steps = context.profile(3);
  ASSERT_FALSE(steps.empty());
  for (const StepTiming& step : steps) EXPECT_GT(step.median_us, 0) << step.name;
}

TEST_F(CudaEngine, MemoryThatTheGpuDoesNotHaveIsAnErrorNotTheEnd) {
  const cuda::Device& device = cuda::Device::get(0);
  EXPECT_THAT(failure_of([&] { device.allocate(size_t{1} << 50U); }), HasSubstr("no memory left"));
  const std::vector<float> pixels = image();
  ExecutionContext context = context_for(pixels);
  EXPECT_FALSE(logits(context).empty());
}

/// BURNISH_SOAK_SECONDS makes it longer.
TEST_F(CudaEngine, EightContextsOnEightThreads) {
  const char* wanted = std::getenv("BURNISH_SOAK_SECONDS");
  const double seconds = wanted == nullptr ? 2 : std::atof(wanted);
  const std::vector<float> pixels = image();
  ExecutionContext alone = context_for(pixels);
  const std::vector<float> expected = logits(alone);
  std::vector<ExecutionContext> contexts;
  for (int i = 0; i < 8; ++i) {
    contexts.push_back(context_for(pixels));
    for (int warm_up = 0; warm_up < 3; ++warm_up) logits(contexts.back());
  }
  const int64_t free_before = cuda::Device::get(0).free_bytes();
  std::atomic<int64_t> wrong = 0, executions = 0;
  std::vector<std::jthread> threads;
  for (ExecutionContext& context : contexts) {
    threads.emplace_back([&] {
      const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
      while (std::chrono::steady_clock::now() < end) {
        wrong += logits(context) != expected;
        ++executions;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0) << "of " << executions;
  EXPECT_EQ(cuda::Device::get(0).free_bytes(), free_before) << "after " << executions << " executions";
}

}  // namespace
}  // namespace burnish
