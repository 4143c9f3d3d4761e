#include "ir/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace burnish {
namespace {

using testing::HasSubstr;

constexpr std::string_view kText = R"(graph "resnet \"18\"" {
  input %x: float32[batch,3,2*height + 1,224]
  input %mask: bool
  const %small: float32[2,2] = {1, -0.5, inf, 1e-12}
  const %none: int64[0] = {}
  const %scalar: bool[] = {1}
  const %"odd name\x0a": float16[2] = {0.5, 65504}
  %a::b/c.d-e, _ = Dropout(%x, _, %scalar) {seed=3} "drop out"
  %y = Concat(%a::b/c.d-e, %x) {axis=-1} : float32[n,8]
  output "logits" = %y
  output "x" = %x
  output "small" = %small
  output "none" = %none
  output "odd" = %"odd name\x0a"
}
)";

std::string error_of(std::string_view text) {
  try {
    parse_graph(text);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidModel);
    return e.message();
  }
  return "";
}

TEST(Text, PrintsWhatItParses) {
  EXPECT_EQ(print(parse_graph(kText)), kText);
}

TEST(Text, AttributesOfEveryKindSurvive) {
  Graph g;
  AttributeMap attrs;
  attrs.set("i", int64_t{-7});
  attrs.set("f", 2.0F);
  attrs.set("g", 1e-7F);
  attrs.set("s", std::string("a \"b\", c}"));
  attrs.set("ints", std::vector<int64_t>{1, -2});
  attrs.set("floats", std::vector<float>{1, 2.5F});
  attrs.set("strings", std::vector<std::string>{"x y", "]"});
  attrs.set("no_floats", std::vector<float>{});
  attrs.set("no_strings", std::vector<std::string>{});
  attrs.set("tensor", Tensor::from_floats(std::vector<float>{1, 2}));
  g.add_node("Relu", "", {g.add_input("x", {DType::kFloat32, SymShape{1}})}, attrs, {"y"});
  const Graph parsed = parse_graph(print(g));
  EXPECT_TRUE(parsed.node(0).attrs == attrs) << print(g);
  EXPECT_EQ(print(parsed), print(g));
}

TEST(Text, LongConstantsAreSeededByTheirName) {
  const std::string_view text = "graph \"g\" {\n  const %w: float32[65]\n  output \"y\" = %w\n}\n";
  const Graph a = parse_graph(text);
  const Graph b = parse_graph(text);
  EXPECT_TRUE(a.value(0).constant.identical(b.value(0).constant));
  EXPECT_EQ(print(a), text);
}

TEST(Text, ConstantsOfEveryTypeSurvive) {
  for (int i = 1; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    const std::string text =
        fmt::format("graph \"g\" {{\n  const %c: {}[2] = {{1, 0}}\n  output \"y\" = %c\n}}\n", name_of(dtype));
    EXPECT_EQ(print(parse_graph(text)), text);
  }
}

TEST(Text, MistakesNameTheLine) {
  EXPECT_THAT(error_of("graph \"g\" {\n  %y = Relu(%x)\n}\n"), HasSubstr("line 2"));
  EXPECT_THAT(error_of("graph \"g\" {\n  input %x: float31[2]\n}\n"), HasSubstr("float31"));
  EXPECT_THAT(error_of("graph \"g\" {\n  input %x: float32[2]\n  input %x: float32[2]\n}\n"), HasSubstr("taken"));
  EXPECT_THAT(error_of("graph \"g\" {\n  const %x: float32[2] = {1}\n}\n"), HasSubstr("line 2"));
  EXPECT_THAT(error_of("graph \"g\" {\n  const %x: uint8[1] = {256}\n}\n"), HasSubstr("256"));
  EXPECT_THAT(error_of("graph \"g\" {\n  const %x: float32[n]\n}\n"), HasSubstr("concrete"));
  EXPECT_THAT(error_of("graph \"g\" {\n"), HasSubstr("ends"));
  EXPECT_THAT(error_of("graph \"g\" {\n}\nmore"), HasSubstr("line 3"));
  EXPECT_THAT(error_of(""), HasSubstr("ends"));
}

TEST(Text, EveryPrefixIsAnErrorNotACrash) {
  for (size_t n = 0; n + 2 < kText.size(); ++n) {
    EXPECT_THROW(parse_graph(kText.substr(0, n)), Error) << n;
  }
}

}  // namespace
}  // namespace burnish
