#include "builder/layer_quantizer.h"

#include <cmath>

#include "builder_case.h"
#include "ops/fused.h"

namespace burnish {
namespace {

constexpr std::string_view kConcatNet = R"(graph "g" {
    input %x: float32[n,4,8,8]
    const %w: float32[6,4,3,3]
    const %v: float32[6,4,1,1]
    const %u: float32[5,12,1,1]
    const %t: float32[3,5,1,1]
    %a = Conv(%x, %w) {pads=[1,1,1,1]} "left"
    %b = Conv(%x, %v) "right"
    %c = Concat(%a, %b) {axis=1}
    %m = MaxPool(%c) {kernel_shape=[2,2], strides=[2,2]}
    %d = Conv(%m, %u) "joined"
    %e = Relu(%d)
    %y = Conv(%e, %t) "last"
    output "y" = %y
  })";
constexpr std::string_view kProfile = "x=1x4x8x8:4x4x8x8:8x4x8x8";

/// A calibrated model.
struct Case {
  explicit Case(std::string_view text = kConcatNet, std::string_view profile = kProfile, int64_t num_samples = 20)
      : compiler(text, profile),
        samples(samples_of(compiler.model(), inputs(compiler.model(), num_samples))),
        graph(compiler.optimised()) {
    const auto axes = LayerQuantizer::values_to_observe(graph, compiler.profile());
    observations = observe(*compiler, graph, compiler.profile(), axes, samples, first_indices(num_samples));
    ranges = LayerQuantizer::choose_ranges(observations, {.calibrator = Calibrator::kMinMax}, "test", {});
  }

  static Arrays inputs(const Graph& model, int64_t n) {
    const auto& dims = *model.value(model.inputs()[0]).type.shape;
    Shape shape{n};
    for (size_t i = 1; i < dims.size(); ++i) shape.push_back(dims[i].value());
    return {{model.value(model.inputs()[0]).name, random_floats(shape, 7, 1, 0.5F)}};
  }
  LayerQuantizer quantizer(const Observations& seen) const { return {graph, compiler.profile(), ranges, seen}; }
  std::vector<float> run(const Graph& g) { return outputs_of(compiler.engine(g), samples).at("y"); }
  std::vector<float> run(const PrecisionPlan& plan) { return run(compiler->lower({graph, {}}, plan).graph); }

  TestCompiler compiler;
  Samples samples;
  Graph graph;
  Observations observations;
  RangeTable ranges;
};

const Layer& named(const LayerQuantizer& q, const std::string& part) {
  for (const Layer& l : q.layers()) {
    if (l.name.find(part) != std::string::npos) return l;
  }
  throw_error(ErrorCode::kInternal, "no layer {}", part);
}

double mean_of(const std::vector<float>& a, const std::vector<float>& b, size_t channel, size_t inner,
               size_t channels) {
  double sum = 0;
  size_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (i / inner % channels != channel) continue;
    sum += double{a[i]} - b[i];
    ++count;
  }
  return sum / static_cast<double>(count);
}

double noise_ratio(const std::vector<float>& actual, const std::vector<float>& expected) {
  double noise = 0, signal = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    noise += std::pow(double{actual[i]} - expected[i], 2);
    signal += std::pow(double{expected[i]}, 2);
  }
  return noise / signal;
}

TEST(LayerQuantizer, AConcatAndWhatItJoinsShareAnEncodingThatCoversAll) {
  const Case c;
  const LayerQuantizer q = c.quantizer(c.observations);
  ASSERT_EQ(q.layers().size(), 4U);
  const PrecisionPlan plan = q.plan({false, false, false, false}, DType::kFloat32);
  const Encoding joined = plan.values.at(c.graph.value(named(q, "joined").input).name).encoding;
  EXPECT_EQ(joined.dtype, DType::kUInt8);
  for (const char* source : {"left", "right"}) {
    const std::string& output = named(q, source).output;
    ASSERT_TRUE(plan.values.contains(output)) << source;
    EXPECT_EQ(plan.values.at(output).encoding, joined) << source;
    const Range seen = c.ranges.find(output)->range;
    EXPECT_LE(joined.scale * static_cast<float>(0 - joined.zero), seen.low + joined.scale);
    EXPECT_GE(joined.scale * static_cast<float>(255 - joined.zero), seen.high - joined.scale);
  }
  EXPECT_NE(plan.values.at("x").encoding, joined);
  EXPECT_EQ(plan.values.at(c.graph.value(named(q, "last").input).name).encoding.zero, 0);
}

TEST(LayerQuantizer, RaisedLayersAreLeftOutWithTheirInputs) {
  const Case c;
  const LayerQuantizer q = c.quantizer(c.observations);
  std::vector<bool> raised(4, false);
  for (size_t i = 0; i < 4; ++i) raised[i] = q.layers()[i].name.find("last") != std::string::npos;
  const PrecisionPlan plan = q.plan(raised, DType::kBFloat16);
  EXPECT_EQ(plan.floats, DType::kBFloat16);
  EXPECT_EQ(plan.layers.size(), 3U);
  EXPECT_FALSE(plan.layers.contains(named(q, "last").output));
  EXPECT_FALSE(plan.values.contains(c.graph.value(named(q, "last").input).name));
  EXPECT_TRUE(q.plan({true, true, true, true}, DType::kFloat32).values.empty());
}

TEST(LayerQuantizer, TheLoweredNetIsNear) {
  Case c;
  const std::vector<float> expected = c.run(c.graph);
  const LayerQuantizer q = c.quantizer(c.observations);
  EXPECT_LT(noise_ratio(c.run(q.plan({false, false, false, false}, DType::kFloat32)), expected), 1e-3);
}

TEST(LayerQuantizer, WithoutObservationsThereIsNothingToCorrectBy) {
  Case c;
  const LayerQuantizer q = c.quantizer({});
  ASSERT_EQ(q.layers().size(), 4U);
  EXPECT_EQ(q.num_balanced(), 0);
  const PrecisionPlan plan = q.plan({false, false, false, false}, DType::kFloat32);
  for (const auto& [name, layer] : plan.layers) EXPECT_FALSE(layer.bias.defined()) << name;
  EXPECT_LT(noise_ratio(c.run(plan), c.run(c.graph)), 5e-3);
}

TEST(LayerQuantizer, CorrectedBiasesKeepTheMeanOutput) {
  // One layer whose outputs are seen, on inputs far from zero: rounding shifts the mean.
  Case c(R"(graph "g" {
    input %x: float32[n,24]
    const %w: float32[24,10]
    %y = MatMul(%x, %w) "product"
    output "y" = %y
  })",
         "x=1x24:16x24:16x24", 400);
  const std::vector<float> expected = c.run(c.graph);
  const std::vector<float> plain = c.run(c.quantizer({}).plan({false}, DType::kFloat32));
  const std::vector<float> corrected = c.run(c.quantizer(c.observations).plan({false}, DType::kFloat32));
  double before = 0, after = 0;
  for (size_t k = 0; k < 10; ++k) {
    before += std::abs(mean_of(plain, expected, k, 1, 10));
    after += std::abs(mean_of(corrected, expected, k, 1, 10));
  }
  EXPECT_GT(before, 1e-4);
  EXPECT_LT(after, before / 2);
}

TEST(LayerQuantizer, LayersWithoutRangesAreLeftOut) {
  Case c;
  RangeTable some("test");
  some.set("x", {{-2, 2}, 1, Calibrator::kMinMax});
  const LayerQuantizer q(c.graph, c.compiler.profile(), some, {});
  EXPECT_EQ(q.layers().size(), 2U);
  named(q, "left");
  named(q, "right");
}

constexpr std::string_view kResidualNet = R"(graph "g" {
    input %x: float32[n,4,8,8]
    const %w: float32[6,4,3,3]
    const %v: float32[6,4,1,1]
    const %u: float32[5,6,1,1]
    %a = Conv(%x, %w) {pads=[1,1,1,1]} "left"
    %b = Conv(%x, %v) "right"
    %c = Add(%a, %b)
    %d = Relu(%c)
    %y = Conv(%d, %u) "last"
    output "y" = %y
  })";

/// Which of left and right adds the other is the fusion's choice.
const Layer& adding(const LayerQuantizer& q) {
  const auto it = std::ranges::find_if(q.layers(), [](const Layer& l) { return l.residual != kNoValue; });
  check(it != q.layers().end(), ErrorCode::kInternal, "no layer adds a residual");
  return *it;
}

TEST(LayerQuantizer, AResidualThatALayerComputesIsStoredAsIntegers) {
  Case c(kResidualNet);
  const LayerQuantizer q = c.quantizer(c.observations);
  const std::string& residual = c.graph.value(adding(q).residual).name;
  const PrecisionPlan plan = q.plan({false, false, false}, DType::kFloat32);
  EXPECT_EQ(plan.values.at(residual).encoding.dtype, DType::kUInt8);
  const Graph lowered = c.compiler->lower({c.graph, {}}, plan).graph;
  EXPECT_EQ(lowered.value(lowered.find_value(residual)).type.dtype, DType::kUInt8);
  EXPECT_LT(noise_ratio(c.run(plan), c.run(c.graph)), 2e-3);
}

TEST(LayerQuantizer, AResidualStaysFloatWhenEitherLayerDoes) {
  Case c(kResidualNet);
  const LayerQuantizer q = c.quantizer(c.observations);
  const std::string& residual = c.graph.value(adding(q).residual).name;
  for (size_t i = 0; i < 2; ++i) {
    std::vector<bool> raised(3, false);
    raised[i] = true;
    EXPECT_FALSE(q.plan(raised, DType::kFloat32).values.contains(residual));
  }
}

/// A product behind tanh(x)·factors, all factors 1 but the sixth.
std::string net_with_outlier(float outlier) {
  std::string factors = "1";
  for (int i = 1; i < 32; ++i) factors += i == 5 ? fmt::format(", {}", outlier) : ", 1";
  return fmt::format(R"(graph "g" {{
    input %x: float32[n,32]
    const %g: float32[32] = {{{}}}
    const %w: float32[32,16]
    %h = Tanh(%x)
    %s = Mul(%h, %g)
    %y = MatMul(%s, %w) "product"
    output "y" = %y
  }})",
                     factors);
}

TEST(LayerQuantizer, AnOutlierChannelIsBalanced) {
  Case c(net_with_outlier(60), "x=1x32:16x32:16x32", 64);
  const std::vector<float> expected = c.run(c.graph);
  const LayerQuantizer q = c.quantizer(c.observations);
  EXPECT_EQ(q.num_balanced(), 1);
  const PrecisionPlan plan = q.plan({false}, DType::kFloat32);
  const PrecisionPlan plain = c.quantizer({}).plan({false}, DType::kFloat32);
  EXPECT_TRUE(plan.values.begin()->second.factors.defined());
  // The outlier's own share of the output drowns the rest in a ratio: what counts is the error.
  EXPECT_LT(noise_ratio(c.run(plan), expected), noise_ratio(c.run(plain), expected) / 2);
}

TEST(LayerQuantizer, EvenChannelsAreLeftAlone) {
  Case c(net_with_outlier(1), "x=1x32:16x32:16x32", 64);
  const LayerQuantizer q = c.quantizer(c.observations);
  EXPECT_EQ(q.num_balanced(), 0);
  EXPECT_FALSE(q.plan({false}, DType::kFloat32).values.begin()->second.factors.defined());
}

TEST(LayerQuantizer, ValuesWithoutFiniteNumbersAreReported) {
  Observations nothing;
  nothing.emplace("dead", Observer(-1));
  std::vector<std::string> said;
  Reporter reporter;
  reporter.message = [&](LogLevel, std::string_view text) { said.emplace_back(text); };
  EXPECT_EQ(LayerQuantizer::choose_ranges(nothing, {}, "test", reporter).size(), 0U);
  EXPECT_THAT(said, testing::ElementsAre(testing::HasSubstr("no finite number in 'dead'")));
}

}  // namespace
}  // namespace burnish
