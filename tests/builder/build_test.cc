// Whole builds of a small model from a real exporter.
#include <burnish/builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "builder/build_engine.h"
#include "engine/engine_file.h"
#include "ir/interpreter.h"
#include "onnx/importer.h"

namespace burnish {
namespace {

using testing::HasSubstr;

const std::string kModel = "examples/fashion/fashion_resnet.onnx";

class BuildTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "burnish_build_test/";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    options_.num_threads = 2;
    options_.opt_level = 1;
    options_.timing_cache = folder_ + "times.txt";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + name; }

  /// The exception's code and text; {"", ""} when the build succeeds.
  std::pair<std::string, std::string> failure(const std::string& model, const std::string& engine) {
    try {
      build(model, engine, options_);
    } catch (const Exception& e) {
      return {e.code(), e.what()};
    }
    return {};
  }

  std::string folder_;
  BuildOptions options_;
};

TEST_F(BuildTest, TheEngineComputesWhatTheModelDoes) {
  options_.opt_level = 2;
  options_.profiles = {parse_profile("image=1x1x28x28:1x1x28x28:4x1x28x28")};
  const BuildReport report = build(kModel, path("m.engine"), options_);
  EXPECT_EQ(report.fused.at("Conv+BatchNormalization"), 13);
  EXPECT_EQ(static_cast<uintmax_t>(report.engine_bytes), std::filesystem::file_size(path("m.engine")));

  const Engine engine = Engine::load(path("m.engine"));
  ExecutionContext context = engine.create_context(2);
  Tensor image(DType::kFloat32, {3, 1, 28, 28});
  for (int64_t i = 0; i < image.num_elements(); ++i) image.as<float>()[i] = std::sin(static_cast<float>(i));
  context.set_input_shape("image", image.shape().dims());
  context.set_input("image", image.data());
  context.execute();
  const Tensor expected = interpret(import_model_file(kModel), {{"image", image}}).at("logits");
  const auto* actual = static_cast<const float*>(context.output("logits"));
  for (int64_t i = 0; i < expected.num_elements(); ++i) EXPECT_NEAR(actual[i], expected.as<float>()[i], 1e-3) << i;
}

TEST_F(BuildTest, AWarmTimingCacheGivesTheSameBytes) {
  EXPECT_GT(build(kModel, path("a.engine"), options_).timed_candidates, 0);
  EXPECT_EQ(build(kModel, path("b.engine"), options_).timed_candidates, 0);
  EXPECT_EQ(read_file(path("a.engine")), read_file(path("b.engine")));
}

TEST_F(BuildTest, FromMemoryToMemoryGivesTheFilesBytes) {
  build(kModel, path("m.engine"), options_);
  const std::string model = read_file(kModel);
  const EngineBytes engine = build(ModelBytes{std::as_bytes(std::span(model)), ""}, options_);
  const std::string file = read_file(path("m.engine"));
  EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(file)), engine.bytes));
  EXPECT_EQ(engine.report.engine_bytes, static_cast<int64_t>(file.size()));
  EXPECT_EQ(Engine::deserialize(engine.bytes).inputs().at(0).name, "image");
}

TEST_F(BuildTest, ABrokenTimingCacheIsReportedAndReplaced) {
  write_file(options_.timing_cache, std::string("\x00garbage\nmore\n", 14));
  std::vector<std::string> said;
  options_.log = [&](std::string_view text) { said.emplace_back(text); };
  build(kModel, path("m.engine"), options_);
  EXPECT_THAT(said, testing::Contains(HasSubstr("damaged lines ignored")));
  EXPECT_EQ(build(kModel, path("m.engine"), options_).timed_candidates, 0);
}

TEST_F(BuildTest, ProvenanceAndOptionsAreInTheEngine) {
  build(kModel, path("m.engine"), options_);
  const auto metadata = read_engine(path("m.engine")).metadata;
  EXPECT_EQ(metadata.at("option.opt_level"), "1");
  EXPECT_EQ(metadata.at("option.threads"), "2");
  EXPECT_THAT(metadata.at("model.producer"), HasSubstr("pytorch"));
  EXPECT_EQ(metadata.at("model.hash").size(), 32U);
}

TEST_F(BuildTest, SeveralProfilesShareWeights) {
  options_.opt_level = 0;
  const auto one = build(kModel, path("one.engine"), options_).engine_bytes;
  options_.profiles = {parse_profile("image=1x1x28x28"), parse_profile("image=8x1x28x28"),
                       parse_profile("image=2x1x28x28")};
  const auto three = build(kModel, path("three.engine"), options_).engine_bytes;
  EXPECT_EQ(Engine::load(path("three.engine")).num_profiles(), 3U);
  EXPECT_LT(three, 2 * one);
}

TEST_F(BuildTest, EveryLevelBuilds) {
  for (options_.opt_level = 0; options_.opt_level <= 5; ++options_.opt_level) {
    if (options_.opt_level == 5) options_.profiles = {parse_profile("image=1x1x28x28")};
    build(kModel, path("m.engine"), options_);
  }
}

TEST_F(BuildTest, AMemoryLimitThatIsTooLowSaysWhatIsNeeded) {
  options_.memory_limit_bytes = 4 << 20;
  auto [code, message] = failure(kModel, path("m.engine"));
  EXPECT_EQ(code, "out_of_memory");
  EXPECT_THAT(message, testing::AllOf(HasSubstr("the limit is 4194304"), HasSubstr("lower the profile's max shapes")));
  options_.memory_limit_bytes = 1 << 20;
  EXPECT_THAT(failure(kModel, path("m.engine")).second, HasSubstr("the weights alone"));
  EXPECT_FALSE(std::filesystem::exists(path("m.engine")));
}

TEST_F(BuildTest, FailuresNameTheCulprit) {
  EXPECT_THAT(failure(path("none.onnx"), path("m.engine")).second, HasSubstr("none.onnx"));
  EXPECT_THAT(failure(kModel, path("no/folder/m.engine")).second, HasSubstr("there is no folder"));
  EXPECT_THAT(failure(kModel, folder_).second, HasSubstr("it is a folder"));
  options_.opt_level = 6;
  EXPECT_EQ(failure(kModel, path("m.engine")).first, "invalid_argument");
  options_.opt_level = 1;
  options_.disabled_passes = {"no_such_pass"};
  EXPECT_THAT(failure(kModel, path("m.engine")).second, HasSubstr("fold_constants"));
}

TEST_F(BuildTest, AFailureLeavesTheOldEngineAlone) {
  write_file(path("m.engine"), std::string("precious"));
  write_file(path("bad.onnx"), std::string("this is no model"));
  EXPECT_EQ(failure(path("bad.onnx"), path("m.engine")).first, "invalid_model");
  options_.memory_limit_bytes = 1;
  failure(kModel, path("m.engine"));
  EXPECT_EQ(read_file(path("m.engine")), "precious");
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_THAT(entry.path().filename().string(), testing::Not(HasSubstr(".tmp"))) << "left behind";
  }
}

TEST_F(BuildTest, AnExceptionFromProgressStopsTheBuild) {
  options_.progress = [](std::string_view stage, int64_t, int64_t) {
    if (stage == "write") throw std::runtime_error("stop");
  };
  EXPECT_THROW(build(kModel, path("m.engine"), options_), std::runtime_error);
  EXPECT_FALSE(std::filesystem::exists(path("m.engine")));
}

}  // namespace
}  // namespace burnish
