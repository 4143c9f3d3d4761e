#include "passes/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ir/text.h"
#include "pass_tester.h"

namespace burnish {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr std::string_view kText = R"(graph "g" {
  input %x: float32[n,3,6,6]
  const %w: float32[8,3,3,3]
  const %v: float32[8,8,3,3]
  const %one: float32[8] = {1, 1, 1, 1, 1, 1, 1, 1}
  %a = Conv(%x, %w)
  %b = BatchNormalization(%a, %one, %one, %one, %one)
  %c = Relu(%b)
  %y = Conv(%c, %v)
  output "y" = %y
})";

Graph graph() {
  Graph g = parse_graph(kText);
  g.infer();
  return g;
}

TEST(Pipeline, ReportsFusionsPassesAndMessages) {
  Graph g = graph();
  std::vector<std::string> messages;
  std::vector<std::string> changed;
  PipelineOptions options;
  options.verify = true;
  options.reporter.message = [&](LogLevel level, std::string_view text) {
    EXPECT_EQ(level, LogLevel::kVerbose);
    messages.emplace_back(text);
  };
  options.on_change = [&](std::string_view pass, const Graph&) { changed.emplace_back(pass); };
  const PipelineReport report = run_passes(g, options);
  EXPECT_EQ(report.fused.at("Conv+BatchNormalization"), 1);
  EXPECT_EQ(report.fused.at("Conv+Relu"), 1);
  EXPECT_EQ(report.nodes_before, 4);
  EXPECT_EQ(report.nodes_after, 3);  // with the Transpose of the output
  EXPECT_EQ(report.passes.size(), pass_table().size());
  EXPECT_THAT(changed, Contains("fold_batch_norm"));
  EXPECT_THAT(messages, Contains(HasSubstr("fuse_conv_epilogue")));
}

TEST(Pipeline, LevelZeroOnlyRemovesDeadCode) {
  Graph g = graph();
  PipelineOptions options;
  options.opt_level = 0;
  run_passes(g, options);
  EXPECT_EQ(lines_of(g), lines_of(graph()));
}

TEST(Pipeline, LevelOneCleansUpWithoutFusing) {
  Graph g = graph();
  PipelineOptions options;
  options.opt_level = 1;
  run_passes(g, options);
  EXPECT_EQ(histogram(g)["BatchNormalization"], 1);
}

TEST(Pipeline, PassesCanBeDisabledByName) {
  Graph g = graph();
  PipelineOptions options;
  options.disabled = {"fold_batch_norm", "assign_layout"};
  run_passes(g, options);
  EXPECT_EQ(histogram(g)["BatchNormalization"], 1);
  EXPECT_EQ(histogram(g)["Transpose"], 0);
}

TEST(Pipeline, UnknownNamesAreErrorsThatListTheKnown) {
  Graph g = graph();
  PipelineOptions options;
  options.disabled = {"fold_batchnorm"};
  try {
    run_passes(g, options);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(e.what(), HasSubstr("fold_batchnorm"));
    EXPECT_THAT(e.what(), HasSubstr("fold_batch_norm,"));
  }
  EXPECT_THROW(run_pass("nothing", g), Error);
}

TEST(Pipeline, EveryPassHasItsOwnNameAndSaysWhatItDoes) {
  std::set<std::string_view> names;
  for (const PassInfo& p : pass_table()) {
    EXPECT_TRUE(names.insert(p.name).second) << p.name;
    EXPECT_FALSE(p.description.empty()) << p.name;
    EXPECT_NE(p.run, nullptr) << p.name;
  }
}

TEST(Pipeline, WithoutAnyOnePassTheNumbersStay) {
  const Graph original = graph();
  const auto inputs = random_inputs(original);
  for (const PassInfo& p : pass_table()) {
    Graph g = original;
    PipelineOptions options;
    options.disabled = {std::string(p.name)};
    options.verify = true;
    run_passes(g, options);
    expect_same_numbers(original, g, inputs);
  }
}

TEST(Pipeline, RunningTwiceChangesNothingMore) {
  Graph g = graph();
  run_passes(g);
  const Lines once = lines_of(g);
  run_passes(g);
  EXPECT_EQ(lines_of(g), once);
}

}  // namespace
}  // namespace burnish
