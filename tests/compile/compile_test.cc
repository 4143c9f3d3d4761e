// Plans against the interpreter: the same numbers, whatever was placed, aliased, packed or reordered.
#include "compile/compile.h"

#include <burnish/engine.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "engine/engine_file.h"
#include "ir/interpreter.h"
#include "ir/text.h"
#include "runtime/engine_impl.h"

namespace burnish {
namespace {

Tensor random_floats(const Shape& shape, uint32_t seed) {
  Tensor tensor(DType::kFloat32, shape);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int64_t i = 0; i < tensor.num_elements(); ++i) tensor.as<float>()[i] = uniform(random);
  return tensor;
}

struct Compiled {
  EngineData data;
  int num_timed = 0;
};

Compiled compile(const Graph& graph, const OptimizationProfile& profile, TimingCache& cache, int opt_level = 1) {
  const Target target = detect_cpu(2);
  Tuner tuner(target, cache, opt_level);
  BlobStore blobs;
  const Reporter quiet;
  CompileSession session{target, tuner, blobs, quiet};
  Compiled compiled;
  compiled.data.plans.push_back(compile_plan(graph, profile, session));
  compiled.data.blobs = blobs.take();
  compiled.data.target_kind = target.kind;
  compiled.data.target_isa = std::string(name_of(target.isa));
  compiled.data.target_fingerprint = target.fingerprint();
  compiled.num_timed = tuner.num_timed();
  return compiled;
}

void expect_equal_to_interpreter(const Graph& graph, const EngineData& data,
                                 const std::map<std::string, Tensor>& inputs) {
  const Engine engine(std::make_shared<const Engine::Impl>(data));
  ExecutionContext context = engine.create_context(2);
  for (const auto& [name, tensor] : inputs) {
    context.set_input_shape(name, tensor.shape().dims());
    context.set_input(name, tensor.data());
  }
  for (int run = 0; run < 2; ++run) context.execute();  // the second on used memory
  for (const auto& [name, expected] : interpret(graph, inputs)) {
    const auto shape = context.output_shape(name);
    ASSERT_EQ(Shape(shape), expected.shape()) << name;
    const auto* actual = static_cast<const float*>(context.output(name));
    for (int64_t i = 0; i < expected.num_elements(); ++i) {
      ASSERT_NEAR(actual[i], expected.as<float>()[i], 1e-4 * (1 + std::abs(expected.as<float>()[i])))
          << name << " " << i;
    }
  }
}

/// Every input is named x…; its first dimension "n" ranges over 1:2:5.
OptimizationProfile profile_of(const Graph& graph) {
  OptimizationProfile profile;
  for (const ValueId id : graph.inputs()) {
    const auto at = [&](int64_t n) {
      Shape shape;
      for (const Dim& dim : *graph.value(id).type.shape) shape.push_back(*dim.evaluate({{"n", n}}));
      return shape;
    };
    profile.inputs.emplace(graph.value(id).name, ProfileShapes{at(1), at(2), at(5)});
  }
  return profile;
}

void check_graph(std::string_view text) {
  Graph graph = parse_graph(text);
  graph.infer();
  TimingCache cache;
  const Compiled compiled = compile(graph, profile_of(graph), cache);
  for (const int64_t n : {1, 2, 3, 5}) {
    std::map<std::string, Tensor> inputs;
    for (const ValueId id : graph.inputs()) {
      Shape shape;
      for (const Dim& dim : *graph.value(id).type.shape) shape.push_back(*dim.evaluate({{"n", n}}));
      inputs.emplace(graph.value(id).name, random_floats(shape, static_cast<uint32_t>(n + id)));
    }
    expect_equal_to_interpreter(graph, compiled.data, inputs);
  }
}

constexpr std::string_view kConcats = R"(graph "concats" {
  input %x: float32[n,5,6]
  const %w: float32[6,7]
  const %v: float32[6,3]
  %a = FusedMatMul(%x, %w) {activation="relu"} "a"
  %b = FusedMatMul(%x, %v) {} "b"
  %r = Relu(%b) {} "r"
  %cat = Concat(%a, %b, %r, %x) {axis=-1} "cat"
  %more = Tanh(%a) {} "more"
  %outer = Concat(%cat, %more, %a) {axis=2} "outer"
  %rows = Concat(%more, %a) {axis=1} "rows"
  %y = Sigmoid(%outer) {} "y"
  output "y" = %y
  output "rows" = %rows
  output "b" = %b
})";

TEST(CompileTest, Concats) {
  check_graph(kConcats);
}

/// Which no kernel of CPUs runs.
TEST(CompileTest, JoinedProducts) {
  check_graph(R"(graph "joined" {
  input %x: float32[n,4,5,6]
  const %w: float32[7,6,3,3]
  const %v: float32[5,6]
  %a, %b = JoinedConv(%x, %w) {parts=[3,4], input_layout="NHWC", output_layout="NHWC", pads=[1,1,1,1]} "conv"
  %c, %d = JoinedMatMul(%x, %v) {parts=[1,4], transB=1} "matmul"
  %y = Concat(%a, %b, %c, %d) {axis=-1} "y"
  output "y" = %y
  output "b" = %b
})");
}

TEST(CompileTest, Residuals) {
  check_graph(R"(graph "residuals" {
    input %x: float32[n,9,8]
    const %w: float32[8,8]
    const %bias: float32[8]
    %a = FusedMatMul(%x, %w, %bias, %x) {residual="before", activation="relu"} "a"
    %b = FusedMatMul(%a, %w, %bias, %a) {residual="after", activation="gelu"} "b"
    %c = Add(%b, %x) {} "c"
    %d = Mul(%c, %c) {} "d"
    %e = Add(%d, %c) {} "e"
    %f = Relu(%e) {} "f"
    output "f" = %f
  })");
}

TEST(CompileTest, ConvolutionsWriteIntoConcats) {
  check_graph(R"(graph "convolutions" {
    input %x: float32[n,8,9,7]
    const %w1: float32[16,8,3,3]
    const %w2: float32[24,8,1,1]
    const %w3: float32[16,40,1,1]
    %t = Transpose(%x) {perm=[0,2,3,1]} "to_last"
    %a = FusedConv(%t, %w1) {activation="silu", kernel_shape=[3,3], pads=[1,1,1,1], strides=[1,1], dilations=[1,1], group=1, input_layout="NHWC", output_layout="NHWC"} "a"
    %b = FusedConv(%t, %w2) {kernel_shape=[1,1], pads=[0,0,0,0], strides=[1,1], dilations=[1,1], group=1, input_layout="NHWC", output_layout="NHWC"} "b"
    %cat = Concat(%a, %b) {axis=3} "cat"
    %c = FusedConv(%cat, %w3, _, %a) {residual="after", kernel_shape=[1,1], pads=[0,0,0,0], strides=[1,1], dilations=[1,1], group=1, input_layout="NHWC", output_layout="NHWC"} "c"
    %y = Transpose(%c) {perm=[0,3,1,2]} "to_first"
    output "y" = %y
  })");
}

TEST(CompileTest, OutputsThatAreInputsConstantsOrViews) {
  check_graph(R"(graph "odd outputs" {
    input %x: float32[n,4]
    const %k: float32[3]
    const %flat: int64[1] = {-1}
    %v = Reshape(%x, %flat) {} "v"
    %r = Relu(%v) {} "r"
    %s = Reshape(%r, %flat) {} "s"
    output "x again" = %x
    output "view" = %v
    output "constant" = %k
    output "r" = %r
    output "r twice" = %r
    output "s" = %s
  })");
}

TEST(CompileTest, ShapeArithmetic) {
  check_graph(R"(graph "shapes" {
    input %x: float32[n,4,3]
    const %zero: int64[1] = {0}
    const %one: int64[1] = {1}
    const %rest: int64[1] = {-1}
    %shape = Shape(%x) {} "shape"
    %n = Slice(%shape, %zero, %one) {} "n"
    %target = Concat(%n, %rest) {axis=0} "target"
    %y = Reshape(%x, %target) {} "flatten"
    %z = Relu(%y) {} "z"
    output "z" = %z
  })");
}

/// A chain of random elementwise steps, products and concats over values of equal rows.
std::string random_graph(uint32_t seed) {
  std::mt19937 random(seed);
  const auto pick = [&](size_t n) { return static_cast<size_t>(random() % n); };
  struct Made {
    std::string name;
    int columns;
  };
  std::vector<Made> made = {{"x0", 4}, {"x1", 4}};
  std::string text = "graph \"random\" {\n  input %x0: float32[n,3,4]\n  input %x1: float32[n,3,4]\n";
  std::string body;
  for (int i = 0; i < 14; ++i) {
    const Made a = made[pick(made.size())];
    const std::string name = fmt::format("v{}", i);
    const Made* same = nullptr;
    for (const Made& m : made) same = m.columns == a.columns && pick(2) == 0 ? &m : same;
    switch (pick(4)) {
      case 0:
        body += fmt::format("  %{} = {}(%{}) {{}} \"{}\"\n", name, pick(2) == 0 ? "Relu" : "Tanh", a.name, name);
        made.push_back({name, a.columns});
        break;
      case 1:
        if (same == nullptr) break;
        body += fmt::format("  %{} = {}(%{}, %{}) {{}} \"{}\"\n", name, pick(2) == 0 ? "Add" : "Mul", a.name,
                            same->name, name);
        made.push_back({name, a.columns});
        break;
      case 2:
        text += fmt::format("  const %w{}: float32[{},5]\n", i, a.columns);
        body += fmt::format("  %{} = FusedMatMul(%{}, %w{}) {{activation=\"tanh\"}} \"{}\"\n", name, a.name, i, name);
        made.push_back({name, 5});
        break;
      default: {
        const Made b = made[pick(made.size())];
        if (a.columns + b.columns > 40) break;
        body += fmt::format("  %{} = Concat(%{}, %{}) {{axis=2}} \"{}\"\n", name, a.name, b.name, name);
        made.push_back({name, a.columns + b.columns});
      }
    }
  }
  std::string outputs;
  for (size_t i = made.size() - 3; i < made.size(); ++i)
    outputs += fmt::format("  output \"{}\" = %{}\n", made[i].name, made[i].name);
  return text + body + outputs + "}";
}

TEST(CompileTest, RandomGraphs) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(random_graph(seed));
    check_graph(random_graph(seed));
    if (HasFatalFailure()) return;
  }
}

TEST(CompileTest, AWarmTimingCacheGivesTheSameBytesWithoutTiming) {
  Graph graph = parse_graph(kConcats);
  graph.infer();
  TimingCache cache;
  const Compiled cold = compile(graph, profile_of(graph), cache, 3);
  const Compiled warm = compile(graph, profile_of(graph), cache, 3);
  EXPECT_GT(cold.num_timed, 0);
  EXPECT_EQ(warm.num_timed, 0);
  EXPECT_EQ(serialize_engine(cold.data), serialize_engine(warm.data));
}

TEST(CompileTest, LevelZeroTimesNothing) {
  Graph graph = parse_graph(kConcats);
  graph.infer();
  TimingCache cache;
  EXPECT_EQ(compile(graph, profile_of(graph), cache, 0).num_timed, 0);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(CompileTest, EqualWeightsAreStoredOnce) {
  Graph graph = parse_graph(R"(graph "twins" {
    input %x: float32[n,4]
    const %w: float32[4,4]
    %a = FusedMatMul(%x, %w) {} "a"
    %b = FusedMatMul(%a, %w) {} "b"
    output "b" = %b
  })");
  graph.infer();
  TimingCache cache;
  const EngineData data = compile(graph, profile_of(graph), cache).data;
  EXPECT_EQ(data.plans[0].steps[0].packed, data.plans[0].steps[1].packed);
  EXPECT_EQ(data.blobs.size(), 1U);
}

TEST(CompileTest, TheArenaIsPredictedForTheLargestShapes) {
  Graph graph = parse_graph(R"(graph "arena" {
    input %x: float32[n,1024]
    %a = Relu(%x) {} "a"
    %b = Tanh(%a) {} "b"
    output "b" = %b
  })");
  graph.infer();
  TimingCache cache;
  const Plan plan = compile(graph, profile_of(graph), cache).data.plans[0];
  EXPECT_GE(plan.predicted_arena_bytes, 5 * 1024 * 4);
  EXPECT_LE(plan.predicted_arena_bytes, 2 * 5 * 1024 * 4);
}

}  // namespace
}  // namespace burnish
