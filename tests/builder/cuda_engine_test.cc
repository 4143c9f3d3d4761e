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
#include "kernels/cuda/launch.h"
#include "kernels/cuda/nvrtc.h"
#include "runtime/engine_impl.h"

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

std::vector<float> logits_of(ExecutionContext& context) {
  context.execute();
  const auto* data = static_cast<const float*>(context.output("logits"));
  return {data, data + kImage[0] * kClasses};
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

  TestFolder folder_;
  std::optional<Engine> engine_;
};

TEST_F(CudaEngine, AThousandRunsGiveTheSameBits) {
  const std::vector<float> pixels = image();
  ExecutionContext context = context_for(pixels);
  const std::vector<float> first = logits_of(context);
  for (int i = 1; i < 1000; ++i) {
    const std::vector<float> again = logits_of(context);
    ASSERT_EQ(std::memcmp(again.data(), first.data(), first.size() * sizeof(float)), 0) << "run " << i;
  }
}

TEST_F(CudaEngine, ItemsOfABatchDoNotDependOnTheBatch) {
  const std::vector<float> pixels = image();
  ExecutionContext four = context_for(pixels);
  const std::vector<float> together = logits_of(four);
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
  const std::vector<float> expected = logits_of(on_host);
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
  EXPECT_FALSE(logits_of(context).empty());
}

/// BURNISH_SOAK_SECONDS makes it longer.
TEST_F(CudaEngine, EightContextsOnEightThreads) {
  const char* wanted = std::getenv("BURNISH_SOAK_SECONDS");
  const double seconds = wanted == nullptr ? 2 : std::atof(wanted);
  const std::vector<float> pixels = image();
  ExecutionContext alone = context_for(pixels);
  const std::vector<float> expected = logits_of(alone);
  std::vector<ExecutionContext> contexts;
  for (int i = 0; i < 8; ++i) {
    contexts.push_back(context_for(pixels));
    for (int warm_up = 0; warm_up < 3; ++warm_up) logits_of(contexts.back());
  }
  const int64_t free_before = cuda::Device::get(0).free_bytes();
  std::atomic<int64_t> wrong = 0, executions = 0;
  std::vector<std::jthread> threads;
  for (ExecutionContext& context : contexts) {
    threads.emplace_back([&] {
      const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
      while (std::chrono::steady_clock::now() < end) {
        wrong += logits_of(context) != expected;
        ++executions;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0) << "of " << executions;
  EXPECT_EQ(cuda::Device::get(0).free_bytes(), free_before) << "after " << executions << " executions";
}

Engine mobile_for(const std::string& target) {
  const TestFolder folder;
  BuildOptions options;
  options.target = target;
  options.opt_level = 1;
  options.profiles = {parse_profile("image=1x1x28x28:4x1x28x28:8x1x28x28")};
  build("examples/fashion/fashion_mobile.onnx", folder / "mobile.engine", options);
  return Engine::load(folder / "mobile.engine");
}

/// Of the public API as well.
template <typename F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

/// Runs a program that stops with an error, after which the driver refuses everything else in this process. Exit code
/// 0 when engines of the GPU say so, again and again, those of the CPU go on, and everything can be released.
[[noreturn]] void lose_the_gpu() {
  std::vector<std::string> errors;
  bool right = false;
  {
    const std::vector<float> pixels = image();
    const Engine on_gpu = mobile_for("cuda"), on_cpu = mobile_for("cpu");
    ExecutionContext lost = on_gpu.create_context(), kept = on_cpu.create_context();
    for (ExecutionContext* c : {&lost, &kept}) c->set_input("image", DataType::kFloat32, kImage, pixels.data());
    const std::vector<float> expected = logits_of(kept);
    logits_of(lost);
    std::fprintf(stderr, "both engines have run\n");
    const cuda::Device& device = cuda::Device::get(0);
    const Target target = detect_cuda(0, 1);
    const auto cubin =
        cuda::compile_cubin("extern \"C\" __global__ void stop() { asm volatile(\"trap;\"); }", target.arch(), "stop");
    const cuda::Stream stream(device);
    const cuda::Function stop(device, PackedView(cubin.data(), cubin.size()), "stop");
    cuda::Parameters none;
    stop.launch({.waits = false}, none, stream.handle());
    errors.push_back(message_of([&] { stream.synchronize(); }));
    std::fprintf(stderr, "lost: %s\n", errors[0].c_str());
    for (int i = 0; i < 2; ++i) errors.push_back(message_of([&] { logits_of(lost); }));
    std::fprintf(stderr, "executed again: %s\n", errors[2].c_str());
    errors.push_back(message_of([] { mobile_for("cuda"); }));
    std::fprintf(stderr, "built again: %s\n", errors[3].c_str());
    right = logits_of(kept) == expected;
  }
  for (const std::string& error : errors) right = right && error.find("use the GPU no more") != std::string::npos;
  std::exit(right ? 0 : 1);
}

TEST(CudaFailure, AfterALostGpuTheProcessAndItsOtherEnginesLiveOn) {
  if (cuda::num_devices() == 0) GTEST_SKIP() << "no GPU";
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // in a process of its own
  EXPECT_EXIT(lose_the_gpu(), testing::ExitedWithCode(0), "the GPU failed while .* \\(CUDA_ERROR");
}

TEST(CudaFailure, EnginesForNewerDriversAreRefused) {
  if (cuda::num_devices() == 0) GTEST_SKIP() << "no GPU";
  EngineData data;
  data.target_kind = "cuda";
  data.target_isa = fmt::format("sm_{}", cuda::Device::get(0).info().sm);
  data.metadata["cuda.version"] = "99.1";
  EXPECT_THAT(failure_of([&] { Engine::Impl(std::move(data)); }),
              AllOf(HasSubstr("built with CUDA 99.1, this machine's driver knows CUDA"), HasSubstr("burnish build")));
}

}  // namespace
}  // namespace burnish
