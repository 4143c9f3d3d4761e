#include "builder/equalise_layers.h"

#include <cmath>
#include <random>

#include "builder/layer_quantizer.h"
#include "builder/precision_choice.h"
#include "builder_case.h"
#include "ir/text.h"
#include "quantize/equalize.h"
#include "quantize/representative.h"

namespace burnish {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A bottleneck as depthwise nets have them, twice over, and its classifier.
constexpr std::string_view kNet = R"(graph "g" {
    input %x: float32[n,4,9,9]
    const %w0: float32[24,4,1,1]
    const %b0: float32[24]
    const %w1: float32[24,1,3,3]
    const %b1: float32[24]
    const %w2: float32[10,24,1,1]
    const %b2: float32[10]
    const %w3: float32[20,5,3,3]
    const %w4: float32[6,20,1,1]
    %c0 = Conv(%x, %w0, %b0)
    %r0 = Relu(%c0)
    %c1 = Conv(%r0, %w1, %b1) {group=24, pads=[1,1,1,1]}
    %r1 = LeakyRelu(%c1) {alpha=0.2}
    %c2 = Conv(%r1, %w2, %b2)
    %c3 = Conv(%c2, %w3) {group=2, strides=[2,2]}
    %r3 = Relu(%c3)
    %y = Conv(%r3, %w4)
    output "y" = %y
  })";
constexpr std::string_view kProfile = "x=1x4x9x9:8x4x9x9:8x4x9x9";

void multiply(Graph& g, const std::string& name, const std::vector<float>& by, int axis, bool inverse) {
  Tensor& t = g.value(g.find_value(name)).constant;
  t = t.clone();
  const ChannelLayout layout = ChannelLayout::of(t.shape(), axis);
  inverse ? divide_channels(t.as<float>(), layout, by) : multiply_channels(t.as<float>(), layout, by);
}

/// The same function with channels whose widths differ by up to three orders of magnitude.
Graph net(bool uneven) {
  Graph g = parse_graph(kNet);
  if (uneven) {
    std::mt19937 random(5);
    std::uniform_real_distribution<float> exponent(-1.5F, 1.5F);
    const auto factors = [&] {
      std::vector<float> f(24);
      for (float& x : f) x = std::pow(10.0F, exponent(random));
      return f;
    };
    const std::vector<float> f0 = factors(), f1 = factors();
    multiply(g, "w0", f0, 0, false);
    multiply(g, "b0", f0, 0, false);
    multiply(g, "w1", f0, 0, true);
    multiply(g, "w1", f1, 0, false);
    multiply(g, "b1", f1, 0, false);
    multiply(g, "w2", f1, 1, true);
  }
  g.infer();
  return g;
}

struct Case {
  explicit Case(Graph model)
      : compiler(std::move(model), kProfile),
        samples(samples_of(compiler.model(), {{"x", random_floats({32, 4, 9, 9}, 11)}})),
        graph(compiler.optimised()) {}

  Observations observations(const Graph& g, const std::vector<int64_t>& indices = first_indices(32)) {
    const auto axes = LayerQuantizer::values_to_observe(g, compiler.profile());
    return observe(*compiler, g, compiler.profile(), axes, samples, indices);
  }
  std::vector<float> run(const Graph& g) { return outputs_of(compiler.engine(g), samples).at("y"); }
  std::vector<float> run_in_int8(const Graph& g) {
    const Observations seen = observations(g);
    const RangeTable ranges = LayerQuantizer::choose_ranges(seen, {.calibrator = Calibrator::kMse}, "test", {});
    const LayerQuantizer q(g, compiler.profile(), ranges, seen);
    EXPECT_EQ(q.layers().size(), 5U);
    return run(compiler->lower({g, {}}, q.plan(std::vector<bool>(5, false), DType::kFloat32)).graph);
  }
  Graph equalised(const Equalisation& e) const {
    Graph g = graph;
    equalise_layers(g, e);
    return g;
  }

  TestCompiler compiler;
  Samples samples;
  Graph graph;
};

double noise_ratio(const std::vector<float>& actual, const std::vector<float>& expected) {
  double noise = 0, signal = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    noise += std::pow(double{actual[i]} - expected[i], 2);
    signal += std::pow(double{expected[i]}, 2);
  }
  return noise / signal;
}

TEST(EqualiseLayers, AnUnevenDepthwiseNetGetsMoreAccurate) {
  Case c(net(true));
  const Equalisation e = choose_equalisation(c.graph, c.observations(c.graph));
  EXPECT_GE(e.size(), 2U);
  const Graph even = c.equalised(e);
  const std::vector<float> expected = c.run(c.graph);
  const double before = noise_ratio(c.run_in_int8(c.graph), expected);
  const double after = noise_ratio(c.run_in_int8(even), expected);
  EXPECT_GT(before, 1e-2);
  EXPECT_LT(after, before / 10);
  EXPECT_LT(after, 1e-3);
}

TEST(EqualiseLayers, ItIsTheSameFunctionInFp32) {
  for (bool uneven : {true, false}) {
    Case c(net(uneven));
    // Whatever the factors are, and in grouped convolutions too.
    Equalisation e = choose_equalisation(c.graph, c.observations(c.graph));
    for (const Layer& l : find_layers(c.graph, c.compiler.profile())) {
      const std::string name = c.graph.value(l.input).name;
      if (name == "x") continue;
      std::vector<float>& f = e[name];
      const auto channels = c.graph.value(l.input).type.shape->back().value();
      for (int64_t i = static_cast<int64_t>(f.size()); i < channels; ++i) {
        f.push_back(0.1F * static_cast<float>(i + 1));
      }
    }
    ASSERT_EQ(e.size(), 4U);
    const std::vector<float> expected = c.run(c.graph), actual = c.run(c.equalised(e));
    EXPECT_LT(std::sqrt(noise_ratio(actual, expected)), 1e-5);
  }
}

TEST(EqualiseLayers, AnEvenNetDoesNotSuffer) {
  // Channels of normal weights do differ, but not by much.
  Case c(net(false));
  const std::vector<float> expected = c.run(c.graph);
  const Graph even = c.equalised(choose_equalisation(c.graph, c.observations(c.graph)));
  EXPECT_LT(noise_ratio(c.run_in_int8(even), expected), 1.2 * noise_ratio(c.run_in_int8(c.graph), expected));
}

std::string pair_with(std::string_view between, std::string_view outputs = "") {
  return fmt::format(R"(graph "g" {{
    input %x: float32[n,4,9,9]
    const %w: float32[8,4,1,1]
    const %v: float32[6,8,1,1]
    %a = Conv(%x, %w)
    {}
    %y = Conv(%b, %v)
    output "y" = %y
    {}
  }})",
                     between, outputs);
}

TEST(EqualiseLayers, OnlyScalingFunctionsWithOneReaderAreBetween) {
  const auto can = [](const std::string& text) {
    TestCompiler c(text, kProfile);
    Graph g = c.optimised();
    const ValueId v = [&] {
      for (const Layer& l : find_layers(g, c.profile())) {
        if (!g.is_input(l.input)) return l.input;
      }
      return kNoValue;
    }();
    return failure_of([&] { equalise_layers(g, {{g.value(v).name, std::vector<float>(8, 2.0F)}}); }) == "";
  };
  EXPECT_TRUE(can(pair_with("%b = Relu(%a)")));
  EXPECT_FALSE(can(pair_with("%b = Sigmoid(%a)")));
  EXPECT_FALSE(can(pair_with("%b = HardSwish(%a)")));
  EXPECT_FALSE(can(pair_with("%b = Relu(%a)", "output \"b\" = %b")));
  EXPECT_FALSE(can(pair_with("%b = MaxPool(%a) {kernel_shape=[3,3]}")));
  EXPECT_FALSE(can(pair_with("const %u: float32[8,4,1,1]\n %d = Conv(%x, %u)\n %b = Add(%a, %d)")));
}

TEST(EqualiseLayers, BuildsEqualiseAndKeepTheCacheOfTheModelAsItIs) {
  Case c(net(true));
  const TestFolder folder;
  write_npz(folder / "x.npz", {{"x", random_floats({64, 4, 9, 9}, 12)}});
  BuildSettings settings;
  settings.options.opt_level = 2;
  settings.options.precision.int8 = true;
  settings.options.precision.calibrate = {folder / "x.npz"};
  settings.options.precision.calibration_cache = folder / "ranges.txt";
  c.samples = Samples::load(settings.options.precision.calibrate, c.compiler.model());
  const std::vector<float> expected = c.run(c.graph);
  const RangeTable plain = LayerQuantizer::choose_ranges(c.observations(c.graph, split_samples(64, 0.5).calibration),
                                                         {.calibrator = Calibrator::kMse}, "", {});
  for (const char* round : {"observed", "from the cache"}) {
    ModelCompiler compiler(c.compiler.model(), settings, c.compiler->target());
    const PrecisionChoice choice = choose_precision(compiler, c.compiler.profile());
    ASSERT_FALSE(choice.equalisation.empty()) << round;
    EXPECT_LT(noise_ratio(c.run(choice.apply(compiler, {c.graph, {}}).graph), expected), 1e-3) << round;
    const RangeTable cached = RangeTable::load(folder / "ranges.txt", "");
    ASSERT_EQ(cached.size(), plain.size());
    for (const std::string& name : plain.names()) EXPECT_EQ(*cached.find(name), *plain.find(name)) << name;
  }
}

TEST(EqualiseLayers, AValueOfAnotherGraphIsRefused) {
  Case c(net(false));
  EXPECT_THAT(failure_of([&] {
                c.equalised({{"elsewhere", {1, 2}}});
              }),
              AllOf(HasSubstr("unsupported: "), HasSubstr("'elsewhere'"), HasSubstr("for each profile")));
}

}  // namespace
}  // namespace burnish
