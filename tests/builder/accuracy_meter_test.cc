#include "builder/accuracy_meter.h"

#include <burnish/builder.h>

#include <filesystem>

#include "base/file.h"
#include "base/npy.h"
#include "builder_case.h"

namespace burnish {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// Logits of five classes: the input times a factor.
std::string identity_net(float factor, std::string_view more = "") {
  return fmt::format(R"(graph "g" {{
    input %x: float32[n,5]
    const %f: float32[1] = {{{}}}
    const %fixed: float32[1,3] = {{1, 2, 3}}
    %y = Mul(%x, %f)
    {}
    output "y" = %y
  }})",
                     factor, more);
}

class AccuracyMeterTest : public testing::Test {
 protected:
  AccuracyMeterTest()
      : compiler_(identity_net(1), "x=1x5:4x5:4x5"),
        samples_(samples_of(compiler_.model(), {{"x", random_floats({20, 5}, 1, 3)}})) {}

  EngineData engine(float factor) {
    TestCompiler other(identity_net(factor), "x=1x5:4x5:4x5");
    return other.engine(other.optimised());
  }
  AccuracyMeter meter(const std::vector<int64_t>& indices) {
    return {options_, samples_, indices, compiler_.engine(compiler_.optimised()), detect_cpu(2)};
  }
  std::string failure() {
    return failure_of([&] { meter(first_indices(20)); });
  }
  void script(const std::string& text) {
    write_file(folder_ / "metric.sh", "#!/bin/sh\n" + text + "\n");
    options_.metric_command = "sh " + (folder_ / "metric.sh");
  }
  /// The class of every sample, as the model sees it.
  std::vector<int64_t> classes() const {
    std::vector<int64_t> best;
    const Tensor x = samples_.gather(first_indices(20)).at("x");
    for (int64_t r = 0; r < 20; ++r) {
      const float* row = x.as<float>() + r * 5;
      best.push_back(std::max_element(row, row + 5) - row);
    }
    return best;
  }

  TestCompiler compiler_;
  Samples samples_;
  PrecisionOptions options_;
  TestFolder folder_;
};

TEST_F(AccuracyMeterTest, AgreementCountsTheSameClasses) {
  const AccuracyMeter m = meter({1, 3, 5, 7, 9, 11, 13});
  EXPECT_EQ(m.name(), "top-1 agreement with FP32");
  EXPECT_TRUE(m.is_share());
  EXPECT_EQ(m.num_samples(), 7);
  EXPECT_EQ(m.reference_metric(), 1);
  EXPECT_EQ(m.metric(engine(0.5F)), 1);
  EXPECT_EQ(m.metric(engine(-1)), 0);
}

TEST_F(AccuracyMeterTest, LabelsOfTheSamplesMeasuredAreUsed) {
  std::vector<int64_t> labels = classes();
  labels[3] = (labels[3] + 1) % 5;
  for (int64_t i = 0; i < 20; i += 2) labels[static_cast<size_t>(i)] = -1;  // never measured
  write_npy(folder_ / "labels.npy", Tensor::from_ints(labels));
  options_.labels = folder_ / "labels.npy";
  const AccuracyMeter m = meter({1, 3, 5, 7});
  EXPECT_EQ(m.name(), "top-1 accuracy");
  EXPECT_EQ(m.reference_metric(), 0.75);
  EXPECT_EQ(m.metric(engine(2)), 0.75);
}

TEST_F(AccuracyMeterTest, LabelsThatDoNotFitAreRefused) {
  options_.labels = folder_ / "labels.npy";
  write_npy(options_.labels, Tensor::from_ints(first_indices(19)));
  EXPECT_THAT(failure(),
              AllOf(StartsWith("invalid_argument:"), HasSubstr("labels.npy"), HasSubstr("19"), HasSubstr("20")));
  write_npy(options_.labels, random_floats({20}, 1));
  EXPECT_THAT(failure(), HasSubstr("float32"));
  options_.labels = folder_ / "none.npy";
  EXPECT_THAT(failure(), AllOf(StartsWith("io:"), HasSubstr("none.npy")));
}

TEST_F(AccuracyMeterTest, ACommandJudgesTheOutputs) {
  // Prints how many bytes the outputs have, after much chatter.
  script("yes chatter | head -n 20000; test -f \"$1/indices.npy\" || exit 3; wc -c < \"$1/y.npy\"");
  const AccuracyMeter m = meter(first_indices(12));
  EXPECT_THAT(m.name(), HasSubstr("metric.sh"));
  EXPECT_FALSE(m.is_share());
  EXPECT_EQ(m.reference_metric(), 128 + 12 * 5 * 4);
  EXPECT_EQ(m.metric(engine(3)), m.reference_metric());
}

TEST_F(AccuracyMeterTest, CommandsThatFailOrPrintNoNumberAreRefused) {
  script("echo 0.5; exit 7");
  EXPECT_THAT(failure(), AllOf(StartsWith("invalid_argument:"), HasSubstr("metric.sh"), HasSubstr("status 7")));
  for (const char* rubbish : {"accuracy: high", "", "0.5%", "0.5 nan", "inf"}) {
    script(std::string("echo '") + rubbish + "'");
    EXPECT_THAT(failure(), AllOf(HasSubstr("must be a number"), HasSubstr(rubbish))) << rubbish;
  }
  options_.metric_command = folder_ / "no-such-program";
  EXPECT_THAT(failure(), HasSubstr("failed with status 127"));
}

TEST_F(AccuracyMeterTest, OutputsThatAreNotOfSamplesAreLeftOut) {
  // [1, 3] looks like the output of one sample in the last batch, which is one alone.
  TestCompiler c(identity_net(1, R"(%a = Add(%fixed, %fixed)
    output "a" = %a)"),
                 "x=1x5:4x5:4x5");
  script("test ! -e \"$1/a.npy\" && wc -c < \"$1/y.npy\"");
  const AccuracyMeter m(options_, samples_, first_indices(9), c.engine(c.optimised()), detect_cpu(2));
  EXPECT_EQ(m.reference_metric(), 128 + 9 * 5 * 4);
}

TEST_F(AccuracyMeterTest, EmbeddingsAreComparedByDirection) {
  TestCompiler c(R"(graph "g" {
    input %x: float32[n,5]
    const %w: float32[5,200]
    %y = MatMul(%x, %w)
    output "y" = %y
  })",
                 "x=1x5:4x5:4x5");
  const AccuracyMeter m(options_, samples_, first_indices(20), c.engine(c.optimised()), detect_cpu(2));
  EXPECT_EQ(m.name(), "cosine similarity to FP32");
  EXPECT_NEAR(m.metric(c.engine(c.optimised())), 1, 1e-6);
}

}  // namespace
}  // namespace burnish
