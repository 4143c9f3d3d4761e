#include "builder/sample_checks.h"

#include <algorithm>

#include "builder/layer_quantizer.h"
#include "builder/training_statistics.h"
#include "builder_case.h"

namespace burnish {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kSamples = 32;

SampleFindings findings(std::string_view text, std::string_view profile, const Arrays& arrays) {
  TestCompiler c(text, profile);
  const Samples samples = samples_of(c.model(), arrays);
  const Graph graph = c.optimised();
  const auto axes = LayerQuantizer::values_to_observe(graph, c.profile());
  const SampleSplit split = split_samples(samples.size(), 0.5);
  const Observations seen = observe(*c, graph, c.profile(), axes, samples, split.calibration);
  const Observations held_back = observe(*c, graph, c.profile(), axes, samples, split.held_back);
  const RangeTable ranges = LayerQuantizer::choose_ranges(seen, {.calibrator = Calibrator::kMinMax}, "test", {});
  return check_samples(*c, c.profile(), samples, split.calibration, {graph, ranges, seen, held_back});
}

auto has_kind(WarningKind kind) {
  return Contains(Field(&Warning::kind, kind));
}

/// Words, masks and types go through products each, as in encoders whose projections an exporter did not merge.
constexpr std::string_view kText = R"(graph "g" {
    input %ids: int64[n,6]
    input %mask: int64[n,6]
    input %types: int64[n,6]
    const %words: float32[50,16]
    const %kinds: float32[2,16]
    const %w: float32[16,16]
    const %v: float32[6,6]
    %e = Gather(%words, %ids)
    %k = Gather(%kinds, %types)
    %a = MatMul(%e, %w)
    %b = MatMul(%k, %w)
    %s = Add(%a, %b)
    %m = Cast(%mask) {to="float32"}
    %mv = MatMul(%m, %v)
    output "s" = %s
    output "mv" = %mv
  })";
constexpr std::string_view kTextProfile = "ids=1x6:8x6:8x6,mask=1x6:8x6:8x6,types=1x6:8x6:8x6";

Tensor tokens(uint64_t seed) {
  const Tensor noise = random_floats({kSamples, 6}, seed, 1000);
  Tensor t(DType::kInt64, {kSamples, 6});
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    t.as<int64_t>()[i] = std::abs(static_cast<int64_t>(noise.as<float>()[i])) % 50;
  }
  return t;
}

Tensor filled(int64_t value) {
  return ints(DType::kInt64, {kSamples, 6}, std::vector<int64_t>(kSamples * 6, value));
}

TEST(SampleChecks, MasksAndTypesNeedNotVary) {
  const SampleFindings f =
      findings(kText, kTextProfile, {{"ids", tokens(1)}, {"mask", filled(1)}, {"types", filled(1)}});
  EXPECT_THAT(f.warnings, testing::Not(has_kind(WarningKind::kSameSamples)));
  EXPECT_TRUE(f.trustworthy);
}

TEST(SampleChecks, TokensThatAreTheSameInAllSamplesAreReported) {
  const SampleFindings f =
      findings(kText, kTextProfile, {{"ids", filled(7)}, {"mask", filled(1)}, {"types", filled(0)}});
  EXPECT_THAT(f.warnings, has_kind(WarningKind::kSameSamples));
  EXPECT_FALSE(f.trustworthy);
}

constexpr std::string_view kImages = R"(graph "g" {
    input %image: float32[n,3,8,8]
    const %w: float32[4,3,3,3]
    const %gain: float32[4] = {1, 2, 0.5, 1}
    const %shift: float32[4] = {0, 1, 0, -1}
    const %mean: float32[4] = {0.1, -0.2, 0, 0.3}
    const %variance: float32[4] = {MMMM}
    const %u: float32[2,4,1,1]
    %a = Conv(%image, %w) {pads=[1,1,1,1]}
    %b = BatchNormalization(%a, %gain, %shift, %mean, %variance)
    %r = Relu(%b)
    %y = Conv(%r, %u)
    output "y" = %y
  })";

/// The variances are about what the random weights make of normal inputs.
std::string images(std::string_view variances = "2, 2, 2, 2") {
  std::string text(kImages);
  text.replace(text.find("MMMM"), 4, variances);
  return text;
}
constexpr std::string_view kImageProfile = "image=1x3x8x8:8x3x8x8:8x3x8x8";
const Shape kImageShape{kSamples, 3, 8, 8};

TEST(SampleChecks, GoodImagesGiveNoWarning) {
  const SampleFindings f = findings(images(), kImageProfile, {{"image", random_floats(kImageShape, 3)}});
  EXPECT_THAT(f.warnings, IsEmpty()) << f.warnings[0].text;
  EXPECT_TRUE(f.trustworthy);
}

TEST(SampleChecks, ConstantImagesAreReported) {
  Tensor t(DType::kFloat32, kImageShape);
  for (int64_t i = 0; i < t.num_elements(); ++i) t.as<float>()[i] = static_cast<float>(i / 192 % 5) - 2;
  const SampleFindings different = findings(images(), kImageProfile, {{"image", t}});
  EXPECT_THAT(different.warnings, has_kind(WarningKind::kConstantSamples));
  EXPECT_FALSE(different.trustworthy);
  std::fill_n(t.as<float>(), t.num_elements(), 0.3F);
  EXPECT_THAT(findings(images(), kImageProfile, {{"image", t}}).warnings, has_kind(WarningKind::kSameSamples));
}

TEST(SampleChecks, OtherInputsThanInTrainingAreReported) {
  for (const auto& [deviation, mean] : {std::pair{90.0F, 0.0F}, std::pair{0.1F, 0.0F}, std::pair{1.0F, 20.0F}}) {
    const SampleFindings f =
        findings(images(), kImageProfile, {{"image", random_floats(kImageShape, 3, deviation, mean)}});
    EXPECT_THAT(f.warnings, Contains(AllOf(Field(&Warning::kind, WarningKind::kOtherDistribution),
                                           Field(&Warning::text, HasSubstr("trained on other inputs")))))
        << deviation << " " << mean;
    EXPECT_FALSE(f.trustworthy);
  }
}

/// A pile of values around `pile`, and others up to `high`, as activations with a flat minimum give.
Observations piled(float pile, float high) {
  Tensor t = random_floats({kSamples, 64}, 9, high / 10, high / 2);
  for (int64_t i = 0; i < t.num_elements(); i += 8) t.as<float>()[i] = pile + 1e-3F * static_cast<float>(i % 5);
  for (int64_t i = 1; i < t.num_elements(); i += 64) t.as<float>()[i] = high;
  Observer observer(1);
  observer.observe(t.as<float>(), t.shape(), kSamples);
  return {{"value", observer}};
}

TEST(SampleChecks, APileAtTheEndOfTheRangeIsNotOutside) {
  TestCompiler c(images("2, 2, 2, 2"), kImageProfile);
  const Samples samples = samples_of(c.model(), {{"image", random_floats(kImageShape, 3)}});
  const auto warnings_for = [&](float pile) {
    RangeTable ranges("test");
    // The calibration's histogram has its edge here; that of the narrower samples held back has finer bins.
    ranges.set("value", {{-0.1640625F, 9}, kSamples, Calibrator::kMse});
    const Observations seen = piled(-0.17F, 9), held_back = piled(pile, 7);
    return check_samples(*c, c.profile(), samples, first_indices(8), {c.model(), ranges, seen, held_back}).warnings;
  };
  const auto is_outside = has_kind(WarningKind::kOutsideRange);
  EXPECT_THAT(warnings_for(-0.17F), testing::Not(is_outside));
  EXPECT_THAT(warnings_for(-3), is_outside);
}

TEST(TrainingStatistics, AnUntrainedModelHasNone) {
  TestCompiler c(R"(graph "g" {
    input %image: float32[n,3,8,8]
    const %w: float32[2,3,3,3]
    const %one: float32[2] = {1, 1}
    const %zero: float32[2] = {0, 0}
    %a = Conv(%image, %w)
    %y = BatchNormalization(%a, %one, %zero, %zero, %one)
    output "y" = %y
  })",
                 kImageProfile);
  const Samples samples = samples_of(c.model(), {{"image", random_floats(kImageShape, 3, 100)}});
  EXPECT_THAT(check_training_statistics(*c, c.profile(), samples, first_indices(kSamples)), IsEmpty());
}

TEST(TrainingStatistics, OnlyTheFirstNormalisationsAreLookedAt) {
  // The second one's statistics fit nothing.
  TestCompiler c(R"(graph "g" {
    input %image: float32[n,3,8,8]
    const %w: float32[2,3,3,3]
    const %v: float32[2,2,1,1]
    const %one: float32[2] = {1, 1}
    const %zero: float32[2] = {0, 0}
    const %variance: float32[2] = {2, 2}
    const %far: float32[2] = {1000, 1000}
    %a = Conv(%image, %w)
    %b = BatchNormalization(%a, %one, %zero, %zero, %variance)
    %c = Conv(%b, %v)
    %y = BatchNormalization(%c, %one, %zero, %far, %one)
    output "y" = %y
  })",
                 kImageProfile);
  const Samples samples = samples_of(c.model(), {{"image", random_floats(kImageShape, 3)}});
  EXPECT_THAT(check_training_statistics(*c, c.profile(), samples, first_indices(kSamples)), IsEmpty());
}

}  // namespace
}  // namespace burnish
