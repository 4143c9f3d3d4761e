#include "compile/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace burnish {
namespace {

/// A tactic that does nothing but say what memory it takes.
class FakeTactic : public Tactic {
 public:
  FakeTactic(std::string name, bool strided) : name_(std::move(name)), strided_(strided) {}
  std::string_view name() const override { return name_; }
  std::vector<std::string_view> ops() const override { return {"Relu"}; }
  bool supports(const Problem&, const Target&) const override { return true; }
  std::unique_ptr<Kernel> prepare(const Problem&, const std::string&, std::span<const PackedView>,
                                  const Target&) const override {
    return nullptr;
  }
  bool accepts_strided_input(const Problem&, int) const override { return strided_; }
  bool accepts_strided_output(const Problem&, int) const override { return strided_; }

 private:
  std::string name_;
  bool strided_;
};

const FakeTactic kFlexible("flexible", true), kDenseOnly("dense only", false);

StepOptions step(std::vector<Candidate> candidates) {
  StepOptions options;
  options.problem = Problem{};
  options.candidates = std::move(candidates);
  return options;
}

/// Steps 0 … n - 1 each write one input of the concat, step n.
PlacementEdge edge(int32_t producer, int32_t concat, double copy_us, std::vector<Reader> readers = {}) {
  PlacementEdge e;
  e.concat = concat;
  e.position = producer;
  e.value = producer;
  e.producer = producer;
  e.producer_output = 0;
  e.readers = std::move(readers);
  e.copy_us = copy_us;
  return e;
}

std::string_view chosen(const Choice& choice, size_t s) {
  return choice.candidates[s].tactic->name();
}

TEST(ChooseTest, WithoutEdgesTheFastestWins) {
  const Choice choice = choose({step({{&kDenseOnly, "a", 3}, {&kFlexible, "b", 2}, {&kFlexible, "c", 4}})}, {});
  EXPECT_EQ(choice.candidates[0].config, "b");
}

TEST(ChooseTest, OfEqualTimesTheFirstInTheTableWins) {
  const Choice choice = choose({step({{&kFlexible, "a", 2}, {&kFlexible, "b", 2}})}, {});
  EXPECT_EQ(choice.candidates[0].config, "a");
}

TEST(ChooseTest, ASlowerTacticIsTakenWhenItSavesAMoreExpensiveCopy) {
  const std::vector<StepOptions> options = {step({{&kDenseOnly, "", 10}, {&kFlexible, "", 12}}),
                                            step({{&kFlexible, "", 9}})};
  const Choice placed = choose(options, {edge(0, 1, 5)});
  EXPECT_EQ(chosen(placed, 0), "flexible");
  EXPECT_TRUE(placed.placed[0]);
  const Choice copied = choose(options, {edge(0, 1, 1)});
  EXPECT_EQ(chosen(copied, 0), "dense only");
  EXPECT_FALSE(copied.placed[0]);
}

TEST(ChooseTest, AReaderThatRefusesSlicesCounts) {
  // Step 2 reads the value too and has only a tactic for dense rows that is fast.
  const std::vector<StepOptions> options = {step({{&kFlexible, "", 1}}), step({{&kFlexible, "", 9}}),
                                            step({{&kDenseOnly, "", 1}, {&kFlexible, "", 20}})};
  EXPECT_FALSE(choose(options, {edge(0, 1, 5, {{2, 0}})}).placed[0]);
  EXPECT_TRUE(choose(options, {edge(0, 1, 25, {{2, 0}})}).placed[0]);
}

TEST(ChooseTest, DenseSlicesRestrictNobody) {
  PlacementEdge e = edge(0, 1, 1, {{2, 0}});
  e.strided = false;
  const std::vector<StepOptions> options = {step({{&kDenseOnly, "", 1}}), step({{&kFlexible, "", 9}}),
                                            step({{&kDenseOnly, "", 1}})};
  EXPECT_TRUE(choose(options, {e}).placed[0]);
}

TEST(ChooseTest, AValueIsPlacedInOneConcatOnly) {
  const std::vector<StepOptions> options = {step({{&kFlexible, "", 1}}), step({{&kFlexible, "", 1}}),
                                            step({{&kFlexible, "", 1}})};
  const Choice choice = choose(options, {edge(0, 1, 3, {{2, 0}}), edge(0, 2, 4, {{1, 0}})});
  EXPECT_THAT(choice.placed, testing::ElementsAre(false, true));
}

TEST(ChooseTest, LargeComponentsAreSearchedToo) {
  // More edges than are tried exhaustively, tied together by one reader.
  constexpr int32_t kEdges = static_cast<int32_t>(kMaxExhaustiveEdges) + 5;
  std::vector<StepOptions> options;
  std::vector<PlacementEdge> edges;
  for (int32_t i = 0; i < kEdges; ++i) {
    options.push_back(step({{&kFlexible, "", 1}, {&kDenseOnly, "", i % 2 == 0 ? 0.5 : 0.9}}));
    edges.push_back(edge(i, kEdges, 0.2, {{kEdges + 1, i}}));
  }
  options.push_back(step({{&kFlexible, "", 1}}));
  options.push_back(step({{&kFlexible, "", 1}}));
  const Choice choice = choose(options, edges);
  for (int32_t i = 0; i < kEdges; ++i) EXPECT_EQ(choice.placed[static_cast<size_t>(i)], i % 2 != 0) << i;
}

}  // namespace
}  // namespace burnish
