// Sibling convolutions in engines for GPUs: joined or not, the same results.
#include <gtest/gtest.h>

#include <cmath>

#include "builder/builder_case.h"
#include "builder/profiles.h"
#include "ir/text.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/nvrtc.h"
#include "passes/precision.h"
#include "runtime/engine_impl.h"

namespace burnish {
namespace {

/// A C3 block of YOLO's kind: of the head's two convolutions one goes on, the other ends in the concat.
constexpr std::string_view kBlock = R"(graph "block" {
    input %x: float32[n,32,12,11]
    const %w: float32[32,32,3,3]
    const %w0: float32[24,32,1,1]
    const %b0: float32[24]
    const %w1: float32[40,32,1,1]
    const %w2: float32[24,24,3,3]
    const %w3: float32[16,64,1,1]
    %s = Conv(%x, %w) {pads=[1,1,1,1]} "stem"
    %h = Relu(%s) "stem_relu"
    %c0 = Conv(%h, %w0, %b0) "left"
    %a0 = Relu(%c0) "left_relu"
    %c1 = Conv(%h, %w1) "right"
    %a1 = Relu(%c1) "right_relu"
    %c2 = Conv(%a0, %w2) {pads=[1,1,1,1]} "bottleneck"
    %a2 = Relu(%c2) "bottleneck_relu"
    %sum = Add(%a0, %a2) "sum"
    %cat = Concat(%sum, %a1) {axis=1} "cat"
    %y = Conv(%cat, %w3) "tail"
    output "y" = %y
  })";

struct Build {
  EngineData engine;
  int num_joined = 0;
};

Build build_block(const Target& target, DType floats, std::vector<std::string> disabled_passes) {
  Graph model = parse_graph(kBlock);
  model.infer();
  BuildSettings settings;
  settings.options.disabled_passes = std::move(disabled_passes);
  const OptimizationProfile profile = resolve_profile(model, parse_profile("x=1x32x12x11:2x32x12x11:3x32x12x11"));
  ModelCompiler compiler(model, settings, target);
  PrecisionPlan plan;
  plan.floats = floats;
  BlobStore blobs;
  const Graph graph = compiler.lower(compiler.optimise(profile, true, true), plan).graph;
  Plan compiled = compiler.compile(graph, profile, blobs);
  Build build;
  for (const PlanStep& step : compiled.steps) build.num_joined += step.op == "JoinedConv" ? 1 : 0;
  build.engine = compiler.engine_of({std::move(compiled)}, std::move(blobs));
  return build;
}

TEST(Siblings, AreJoinedForAGpuThatIsNotAtHand) {
  if (!cuda::nvrtc_available()) GTEST_SKIP() << "no NVRTC";
  const Target target = absent_gpu(90, 2);
  EXPECT_EQ(build_block(target, DType::kFloat16, {}).num_joined, 1);
  EXPECT_EQ(build_block(target, DType::kFloat16, {"fuse_siblings"}).num_joined, 0);
}

std::vector<float> result_of(EngineData data, int64_t batch) {
  const Engine engine(std::make_shared<const Engine::Impl>(std::move(data)));
  ExecutionContext context = engine.create_context();
  std::vector<float> x(static_cast<size_t>(batch * 32 * 12 * 11));
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
  context.set_input("x", DataType::kFloat32, std::vector<int64_t>{batch, 32, 12, 11}, x.data());
  for (int run = 0; run < 3; ++run) context.execute();  // as launches, captured, replayed
  const auto* y = static_cast<const float*>(context.output("y"));
  return {y, y + batch * 16 * 12 * 11};
}

TEST(Siblings, GiveTheSameJoinedAndApart) {
  if (cuda::num_devices() == 0) GTEST_SKIP() << "no GPU";
  // As if it were not at hand: nothing is timed, so that times do not decide what is tested.
  const Target target = absent_gpu(detect_cuda(0, 2).sm, 2);
  for (const DType floats : {DType::kFloat16, DType::kBFloat16, DType::kFloat32}) {
    const Build joined = build_block(target, floats, {}), apart = build_block(target, floats, {"fuse_siblings"});
    EXPECT_EQ(joined.num_joined, 1);
    EXPECT_EQ(apart.num_joined, 0);
    const double tolerance = floats == DType::kFloat32 ? 1e-4 : floats == DType::kFloat16 ? 1e-2 : 5e-2;
    for (const int64_t batch : {1, 3}) {
      const std::vector<float> expected = result_of(apart.engine, batch), actual = result_of(joined.engine, batch);
      float largest = 0;
      for (const float v : expected) largest = std::max(largest, std::abs(v));
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(actual[i], expected[i], tolerance * largest)
            << name_of(floats) << " batch " << batch << " at " << i;
      }
    }
  }
}

}  // namespace
}  // namespace burnish
