// Whole builds in low precision, through the public API.
#include "builder/precision_choice.h"

#include <burnish/builder.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/npy.h"
#include "builder/npz.h"
#include "builder_case.h"
#include "engine/engine_file.h"
#include "ops/elements.h"

namespace burnish {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const std::string kModel = "examples/fashion/fashion_mobile.onnx";
const std::string kOtherModel = "examples/fashion/fashion_resnet.onnx";
constexpr int64_t kPixels = 28 * 28;

/// Pixels as the models were trained on them.
Tensor normalised(const Tensor& bytes, int64_t count) {
  Tensor images(DType::kFloat32, {count, 1, 28, 28});
  for (int64_t i = 0; i < images.num_elements(); ++i) {
    images.as<float>()[i] = (static_cast<float>(bytes.as<uint8_t>()[i]) / 255 - 0.286F) / 0.353F;
  }
  return images;
}

class PrecisionBuild : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto test = read_npz("examples/fashion/fashion_test.npz");
    test_images_ = normalised(test.at("image"), 400);
    calibration_ = normalised(read_npz("examples/fashion/fashion_calib.npz").at("image"), 128);
    cache_ = std::make_unique<TestFolder>();
  }
  static void TearDownTestSuite() {
    cache_.reset();
    test_images_ = calibration_ = {};
  }

  PrecisionBuild() {
    options_.num_threads = 2;
    options_.opt_level = 2;
    options_.timing_cache = *cache_ / "times.txt";  // of all tests
    options_.profiles = {parse_profile("image=1x1x28x28:8x1x28x28:100x1x28x28")};
    options_.log = [this](std::string_view text) { said_.emplace_back(text); };
    write_npy(folder_ / "calibration.npy", calibration_);
  }

  PrecisionOptions& precision() { return options_.precision; }
  void use_int8() {
    precision().int8 = true;
    precision().calibrate = {folder_ / "calibration.npy"};
  }
  BuildReport build_as(const std::string& name, const std::string& model = kModel) {
    return build(model, folder_ / name, options_);
  }
  /// "code: text" of the exception; "" when the build succeeds.
  std::string failure(const std::string& model = kModel) {
    try {
      build_as("failed.engine", model);
    } catch (const Exception& e) {
      return std::string(e.code()) + ": " + e.what();
    }
    return "";
  }
  std::vector<float> logits(const std::string& name) {
    ExecutionContext context = Engine::load(folder_ / name).create_context(2);
    std::vector<float> all;
    for (int64_t at = 0; at < 400; at += 100) {
      context.set_input_shape("image", std::vector<int64_t>{100, 1, 28, 28});
      context.set_input("image", test_images_.as<float>() + at * kPixels);
      context.execute();
      const auto* part = static_cast<const float*>(context.output("logits"));
      all.insert(all.end(), part, part + 1000);
    }
    return all;
  }
  const std::vector<float>& reference() {
    static std::vector<float> logits_of_fp32;
    if (logits_of_fp32.empty()) {
      BuildOptions fp32 = options_;
      fp32.precision = {};
      build(kModel, folder_ / "fp32.engine", fp32);
      logits_of_fp32 = logits("fp32.engine");
    }
    return logits_of_fp32;
  }
  double agreement(const std::string& name) {
    const std::vector<float> actual = logits(name);
    int same = 0;
    for (size_t row = 0; row < 400; ++row) {
      const auto best = [&](const std::vector<float>& v) {
        const auto begin = v.begin() + static_cast<int64_t>(row * 10);
        return std::max_element(begin, begin + 10) - begin;
      };
      same += best(actual) == best(reference()) ? 1 : 0;
    }
    return same / 400.0;
  }

  static Tensor test_images_, calibration_;
  static std::unique_ptr<TestFolder> cache_;
  TestFolder folder_;
  BuildOptions options_;
  std::vector<std::string> said_;
};

Tensor PrecisionBuild::test_images_, PrecisionBuild::calibration_;
std::unique_ptr<TestFolder> PrecisionBuild::cache_;

TEST_F(PrecisionBuild, Int8AgreesWithFp32AndSaysWhatItCost) {
  use_int8();
  const BuildReport report = build_as("int8.engine");
  EXPECT_EQ(report.fused.at("FusedConv in int8"), 17);
  EXPECT_GE(agreement("int8.engine"), 0.98);
  EXPECT_THAT(report.accuracy,
              AllOf(HasSubstr("top-1 agreement with FP32 on 64 samples held back (64 calibrated with)"),
                    HasSubstr("budget 1.00 %"), HasSubstr("int8 everywhere"), HasSubstr("this engine"),
                    HasSubstr("of 18 layers in int8")));
  const auto json = nlohmann::json::parse(report.accuracy_json);
  EXPECT_EQ(json.at("layers").size(), 18U);
  EXPECT_EQ(json.at("layers")[0].at("precision"), "int8");
  EXPECT_EQ(json.at("layers")[0].at("input").at("counts").size(), 64U);
  EXPECT_TRUE(json.at("warnings").empty()) << json.at("warnings").dump();
  const auto metadata = read_engine(folder_ / "int8.engine").metadata;
  EXPECT_EQ(metadata.at("precision"), "int8");
  EXPECT_EQ(metadata.at("accuracy.report"), report.accuracy_json);
  EXPECT_THAT(said_, Not(Contains(HasSubstr("unrepresentative"))));
}

TEST_F(PrecisionBuild, RangesAreKeptAndGiveTheSameEngineAgain) {
  use_int8();
  precision().calibration_cache = folder_ / "ranges.txt";
  build_as("warm.engine");  // knows all times now
  const std::string ranges = read_file(folder_ / "ranges.txt");
  EXPECT_THAT(ranges, AllOf(HasSubstr("burnish-ranges 1 model"), HasSubstr("image "), HasSubstr(" 64 mse")));
  build_as("a.engine");
  EXPECT_THAT(said_, Contains(HasSubstr("ranges read from")));
  build_as("b.engine");
  EXPECT_EQ(read_file(folder_ / "a.engine"), read_file(folder_ / "b.engine"));
  EXPECT_EQ(read_file(folder_ / "warm.engine"), read_file(folder_ / "a.engine"));
  EXPECT_EQ(read_file(folder_ / "ranges.txt"), ranges);

  // Without samples the ranges alone will do, unmeasured.
  precision().calibrate.clear();
  EXPECT_EQ(build_as("unmeasured.engine").accuracy, "");
  EXPECT_THAT(said_, Contains(HasSubstr("accuracy is not measured")));
  EXPECT_EQ(read_engine(folder_ / "unmeasured.engine").metadata.at("precision"), "int8");
  EXPECT_GE(agreement("unmeasured.engine"), 0.9);

  EXPECT_THAT(failure(kOtherModel), AllOf(HasSubstr("mismatch: "), HasSubstr("ranges.txt")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "failed.engine"));
}

TEST_F(PrecisionBuild, RangesThatAreMissingAreReported) {
  use_int8();
  precision().calibration_cache = folder_ / "ranges.txt";
  build_as("m.engine");
  const std::string ranges = read_file(folder_ / "ranges.txt");
  const size_t at = ranges.find("image ");
  write_file(folder_ / "ranges.txt", ranges.substr(0, at) + ranges.substr(ranges.find('\n', at) + 1));
  EXPECT_EQ(build_as("m.engine").fused.at("FusedConv in int8"), 16);
  EXPECT_THAT(said_, Contains(HasSubstr("1 of 18 layers have no ranges")));
}

TEST_F(PrecisionBuild, LabelsMeasureAccuracy) {
  use_int8();
  const Tensor labels = read_npz("examples/fashion/fashion_test.npz").at("label");
  Tensor some(DType::kUInt8, {400});
  std::copy_n(labels.as<uint8_t>(), 400, some.as<uint8_t>());
  write_npy(folder_ / "labels.npy", some);
  write_npy(folder_ / "images.npy", test_images_);
  precision().calibrate = {folder_ / "images.npy"};
  precision().labels = folder_ / "labels.npy";
  const BuildReport report = build_as("m.engine");
  EXPECT_THAT(report.accuracy, HasSubstr("top-1 accuracy on 200 samples held back"));
  const auto json = nlohmann::json::parse(report.accuracy_json);
  EXPECT_GT(json.at("float32").at("metric"), 0.85);
  EXPECT_LT(json.at("float32").at("metric"), 1);
}

TEST_F(PrecisionBuild, ABudgetThatCannotBeHeldWritesNothing) {
  use_int8();
  // Falls with every call, whatever the outputs are.
  const std::string count = folder_ / "count";
  write_file(folder_ / "metric.sh",
             fmt::format("n=$(cat {0} 2>/dev/null || echo 100); echo $((n-1)) > {0}; echo $n\n", count));
  precision().metric_command = "sh " + (folder_ / "metric.sh");
  EXPECT_THAT(failure(), AllOf(HasSubstr("accuracy: "), HasSubstr("cannot be held"), HasSubstr("int8 everywhere"),
                               HasSubstr("--accuracy-drop")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "failed.engine"));
  precision().accuracy_drop = -1;
  EXPECT_EQ(failure(), "");
}

TEST_F(PrecisionBuild, SamplesThatRepresentNothingAreReportedAndPromiseNothing) {
  use_int8();
  Tensor constant(DType::kFloat32, calibration_.shape()), raw = calibration_.clone();
  std::fill_n(constant.as<float>(), constant.num_elements(), 0.25F);
  for (int64_t i = 0; i < raw.num_elements(); ++i) raw.as<float>()[i] = (raw.as<float>()[i] * 0.353F + 0.286F) * 255;
  const std::pair<Tensor, const char*> cases[] = {
      {constant, "one number throughout"},
      {raw, "trained on other inputs"},
      {random_floats(constant.shape(), 1, 0.05F, -0.5F), "trained on other"}};
  for (const auto& [images, sign] : cases) {
    said_.clear();
    precision().accuracy_drop = 0.01;
    write_npy(folder_ / "calibration.npy", images);
    EXPECT_THAT(failure(), AllOf(HasSubstr("accuracy: "), HasSubstr("do not represent"), HasSubstr("int8 everywhere")));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "failed.engine"));
    EXPECT_THAT(said_, Contains(AllOf(HasSubstr("unrepresentative calibration data"), HasSubstr(sign))));
  }
  precision().accuracy_drop = -1;
  EXPECT_EQ(failure(), "");
}

TEST_F(PrecisionBuild, NarrowFloatsAreNear) {
  for (bool bf16 : {true, false}) {
    precision() = {};
    precision().bf16 = bf16;
    precision().fp16 = !bf16;
    const BuildReport report = build_as("narrow.engine");
    EXPECT_GT(report.fused.at(bf16 ? "FusedConv in bfloat16" : "FusedConv in float16"), 0);
    EXPECT_EQ(read_engine(folder_ / "narrow.engine").metadata.at("precision"), bf16 ? "bfloat16" : "float16");
    EXPECT_GE(agreement("narrow.engine"), bf16 ? 0.98 : 0.99);
    const std::vector<float> actual = logits("narrow.engine");
    double worst = 0, largest = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
      worst = std::max(worst, static_cast<double>(std::abs(actual[i] - reference()[i])));
      largest = std::max(largest, static_cast<double>(std::abs(reference()[i])));
    }
    EXPECT_LT(worst, (bf16 ? 0.05 : 0.01) * largest);
  }
}

TEST_F(PrecisionBuild, NarrowFloatsAreMeasuredOnSamples) {
  precision().bf16 = true;
  precision().calibrate = {folder_ / "calibration.npy"};
  EXPECT_THAT(build_as("m.engine").accuracy, AllOf(HasSubstr("bfloat16 everywhere"), HasSubstr("(0 calibrated with)")));
}

TEST_F(PrecisionBuild, TheBestIsWithinTheBudgetWhateverItIs) {
  precision().best = true;
  precision().calibrate = {folder_ / "calibration.npy"};
  EXPECT_THAT(build_as("m.engine").accuracy, HasSubstr("held back"));
  EXPECT_GE(agreement("m.engine"), 0.97);
}

TEST_F(PrecisionBuild, OptionsThatDoNotGoTogetherAreRefused) {
  using Options = PrecisionOptions;
  const std::vector<std::string> some = {folder_ / "calibration.npy"};
  const std::pair<std::function<void(Options&)>, const char*> cases[] = {
      {[](Options& p) { p.bf16 = p.fp16 = true; }, "not both"},
      {[](Options& p) { p.int8 = true; }, "--int8 needs --calibrate"},
      {[](Options& p) { p.best = true; }, "--best needs --calibrate"},
      {[&](Options& p) { p.calibrate = some; }, "no precision to use it for"},
      {[](Options& p) { p.bf16 = true, p.labels = "labels.npy"; }, "add --calibrate"},
      {[&](Options& p) { p.int8 = true, p.calibrate = some, p.labels = p.metric_command = "x"; }, "not by both"},
      {[&](Options& p) { p.int8 = true, p.calibrate = some, p.calibrator = "guess"; }, "minmax, percentile"},
      {[&](Options& p) { p.int8 = true, p.calibrate = some, p.accuracy_drop = std::nan(""); }, "not a number"}};
  for (const auto& [set, why] : cases) {
    options_.precision = {};
    set(options_.precision);
    EXPECT_THAT(failure(), AllOf(HasSubstr("invalid_argument: "), HasSubstr(why)));
  }
  options_.precision = {};
  options_.precision.int8 = true;
  options_.precision.calibration_cache = folder_ / "none.txt";
  EXPECT_THAT(failure(), AllOf(HasSubstr("io: "), HasSubstr("none.txt")));
  options_.precision = {};
  options_.precision.bf16 = true;
  options_.opt_level = 1;
  EXPECT_THAT(failure(), HasSubstr("optimisation level 2"));
}

TEST_F(PrecisionBuild, SamplesOutsideTheProfileAreRefused) {
  TestCompiler c(R"(graph "g" {
    input %x: float32[n,s,4]
    const %w: float32[4,3]
    %y = MatMul(%x, %w)
    output "y" = %y
  })",
                 "x=1x2x4:2x8x4:2x8x4");
  BuildSettings settings;
  settings.options.opt_level = 2;
  settings.options.precision.int8 = true;
  settings.options.precision.calibrate = {folder_ / "x.npy"};
  write_npy(folder_ / "x.npy", random_floats({20, 9, 4}, 1));
  ModelCompiler compiler(c.model(), settings, c->target());
  EXPECT_THAT(failure_of([&] { choose_precision(compiler, c.profile()); }),
              AllOf(HasSubstr("invalid_argument: the samples of 'x' are [9,4] each"), HasSubstr("2x8x4")));
}

}  // namespace
}  // namespace burnish
