#include "builder/profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/text.h"

namespace burnish {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Graph model(const std::string& inputs) {
  Graph graph = parse_graph("graph \"m\" {\n" + inputs + "\n}");
  graph.infer();
  return graph;
}

/// The message of the error that f throws; "" if none.
template <typename F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

TEST(ParseProfileTest, RangesAndSingleShapes) {
  const Profile profile = parse_profile("image=1x3x8x8:2x3x8x8:4x3x8x8,size=2,scale=scalar");
  EXPECT_THAT(profile.inputs.at("image").min, ElementsAre(1, 3, 8, 8));
  EXPECT_THAT(profile.inputs.at("image").opt, ElementsAre(2, 3, 8, 8));
  EXPECT_THAT(profile.inputs.at("image").max, ElementsAre(4, 3, 8, 8));
  EXPECT_THAT(profile.inputs.at("size").max, ElementsAre(2));
  EXPECT_TRUE(profile.inputs.at("scale").opt.empty());
}

TEST(ParseProfileTest, NamesMayHoldColonsAndSlashes) {
  EXPECT_THAT(parse_profile("serving/x:0=1x2").inputs.at("serving/x:0").min, ElementsAre(1, 2));
}

class BadProfile : public testing::TestWithParam<const char*> {};

TEST_P(BadProfile, IsRefusedWithTheForm) {
  const std::string message = error_of([] { parse_profile(GetParam()); });
  EXPECT_THAT(message, HasSubstr("NAME=MIN:OPT:MAX"));
  EXPECT_THAT(message, HasSubstr(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(, BadProfile,
                         testing::Values("", "x", "=1x2", "x=", "x=1x", "x=ax2", "x=1x2:3x4", "x=1:2:3:4", "x=-1x2",
                                         "x=1,x=2", "x=99999999999999999999", "x=1.5", "x=1 x2", "x=0x10x", "x=1,",
                                         ",x=1"));

TEST(ResolveProfileTest, FixedInputsNeedNoMention) {
  const Graph graph = model("input %a: float32[n,4]\ninput %b: float32[2,2]");
  const auto profile = resolve_profile(graph, parse_profile("a=1x4:2x4:3x4"));
  EXPECT_EQ(profile.inputs.at("a").max, (Shape{3, 4}));
  EXPECT_EQ(profile.inputs.at("b").min, (Shape{2, 2}));
}

TEST(ResolveProfileTest, SharedDimensionsNeedBeSaidOnce) {
  const Graph graph = model("input %ids: int64[batch,seq]\ninput %mask: int64[batch,seq]");
  const auto profile = resolve_profile(graph, parse_profile("ids=1x8:2x16:4x32"));
  EXPECT_EQ(profile.inputs.at("mask").opt, (Shape{2, 16}));
}

struct Refusal {
  const char* profile;
  const char* reason;
};
class ResolveRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(ResolveRefusal, NamesTheCulprit) {
  const Graph graph = model("input %ids: int64[batch,seq]\ninput %mask: int64[batch,seq]\ninput %x: float32[batch,3]");
  const std::string message = error_of([&] { resolve_profile(graph, parse_profile(GetParam().profile)); });
  EXPECT_THAT(message, HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(, ResolveRefusal,
                         testing::Values(Refusal{"idz=1x8", "its inputs are: ids, mask, x"},
                                         Refusal{"ids=1x8x2", "[batch,seq]"},
                                         Refusal{"ids=4x8:2x8:8x8", "min ≤ opt ≤ max"},
                                         Refusal{"ids=1x8:2x8:1x8", "min ≤ opt ≤ max"},
                                         Refusal{"x=1x4", "is always 3 in the model, but 4:4:4"},
                                         Refusal{"ids=1x8,mask=2x8", "the same in both"},
                                         Refusal{"x=1x3", "nothing is said of dimension 1 ('seq') of input 'ids'"}));

TEST(DefaultProfileTest, BatchesAndSequences) {
  const Profile profile =
      default_profile(model("input %ids: int64[batch,sequence]\ninput %image: float32[batch,3,8,8]"));
  EXPECT_THAT(profile.inputs.at("ids").min, ElementsAre(1, 1));
  EXPECT_THAT(profile.inputs.at("ids").opt, ElementsAre(1, 128));
  EXPECT_THAT(profile.inputs.at("ids").max, ElementsAre(32, 512));
  EXPECT_THAT(profile.inputs.at("image").max, ElementsAre(32, 3, 8, 8));
}

TEST(DefaultProfileTest, UnnamedTextDimensionsAreSequences) {
  const Profile profile = default_profile(model("input %ids: int64[d0,d1]\ninput %embedding: float32[d0,d1,16]"));
  EXPECT_THAT(profile.inputs.at("ids").opt, ElementsAre(1, 128));
  EXPECT_THAT(profile.inputs.at("embedding").opt, ElementsAre(1, 128, 16));
}

TEST(DefaultProfileTest, FreeImageSizesAreNamedWithTheOptionToType) {
  const std::string message = error_of([] { default_profile(model("input %image: float32[n,3,height,width]")); });
  EXPECT_THAT(message, HasSubstr("height, width of input 'image' [n,3,height,width]"));
  EXPECT_THAT(message, HasSubstr("--profile \"image=1x3x224x224:1x3x224x224:32x3x224x224\""));
}

TEST(DefaultProfileTest, AModelWithoutFreeDimensionsIsBuiltAsItIs) {
  const auto profiles = resolve_profiles(model("input %x: float32[2,4]"), {}, {});
  ASSERT_EQ(profiles.size(), 1U);
  EXPECT_EQ(profiles[0].inputs.at("x").max, (Shape{2, 4}));
}

TEST(DefaultProfileTest, ADefaultIsSaid) {
  std::vector<std::string> said;
  Reporter reporter;
  reporter.message = [&](LogLevel, std::string_view text) { said.emplace_back(text); };
  resolve_profiles(model("input %x: float32[batch,4]"), {}, reporter);
  EXPECT_THAT(said, ElementsAre(HasSubstr("--profile \"x=1x4:1x4:32x4\"")));
}

TEST(SpecializeTest, DimensionsThatTheProfileFixesBecomeNumbers) {
  Graph graph = model("input %x: float32[n,m]\n%y = Relu(%x) {} \"y\"\noutput \"y\" = %y");
  specialize(graph, resolve_profile(graph, parse_profile("x=2x3:2x4:2x5")));
  EXPECT_EQ(to_string(*graph.value(graph.outputs()[0].value).type.shape), "[2,m]");
}

TEST(ProfileTextTest, IsReadAgain) {
  const Graph graph = model("input %a: float32[n,4]\ninput %b: float32[2]");
  const auto profile = resolve_profile(graph, parse_profile("a=1x4:2x4:3x4"));
  EXPECT_EQ(to_string(profile), "a=1x4:2x4:3x4,b=2");
  EXPECT_EQ(to_string(resolve_profile(graph, parse_profile(to_string(profile)))), to_string(profile));
}

}  // namespace
}  // namespace burnish
