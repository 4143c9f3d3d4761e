#include "ir/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/text.h"

namespace burnish {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kText = R"(graph "g" {
  input %a: float32[n,2]
  input %b: float32[2*n,2]
  const %c: float32[2] = {10, 20}
  %s = Add(%a, %c)
  %y = Concat(%s, %b) {axis=0}
  output "y" = %y
  output "same" = %a
  output "c" = %c
})";

Tensor floats(const Shape& shape, const std::vector<float>& values) {
  return Tensor::from_floats(values).reshaped(shape);
}

std::string error_of(const std::map<std::string, Tensor>& inputs) {
  try {
    interpret(parse_graph(kText), inputs);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    return e.message();
  }
  return "";
}

TEST(Interpreter, RunsTheGraph) {
  const Tensor a = floats(Shape{1, 2}, {1, 2});
  const Tensor b = floats(Shape{2, 2}, {3, 4, 5, 6});
  std::vector<std::string> seen;
  const auto outputs = interpret(parse_graph(kText), {{"a", a}, {"b", b}}, [&](const Value& v, const Tensor& t) {
    seen.push_back(v.name + to_string(t.shape()));
  });
  EXPECT_THAT(seen, ElementsAre("s[1,2]", "y[3,2]"));
  EXPECT_TRUE(outputs.at("y").identical(floats(Shape{3, 2}, {11, 22, 3, 4, 5, 6})));
  EXPECT_TRUE(outputs.at("same").identical(a));
  EXPECT_TRUE(outputs.at("c").identical(floats(Shape{2}, {10, 20})));
}

TEST(Interpreter, ChecksInputs) {
  const Tensor a = floats(Shape{1, 2}, {1, 2});
  const Tensor b = floats(Shape{2, 2}, {3, 4, 5, 6});
  EXPECT_THAT(error_of({{"a", a}}), HasSubstr("'b'"));
  EXPECT_THAT(error_of({{"a", a}, {"b", b}, {"z", b}}), HasSubstr("no input 'z'"));
  EXPECT_THAT(error_of({{"a", a}, {"b", a}}), HasSubstr("2*n"));
  EXPECT_THAT(error_of({{"a", a}, {"b", floats(Shape{4}, {3, 4, 5, 6})}}), HasSubstr("[4]"));
  EXPECT_THAT(error_of({{"a", a}, {"b", Tensor::from_ints(std::vector<int64_t>{1})}}), HasSubstr("int64"));
}

TEST(Interpreter, ErrorsNameTheNode) {
  const Graph g = parse_graph(R"(graph "g" {
    input %a: float32[n]
    input %b: float32[m]
    %y = Add(%a, %b) "sum"
    output "y" = %y
  })");
  try {
    interpret(g, {{"a", floats(Shape{2}, {1, 2})}, {"b", floats(Shape{3}, {1, 2, 3})}});
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("node sum (Add)"));
  }
}

TEST(BindInputs, TellsTheSymbols) {
  const auto symbols =
      bind_inputs(parse_graph(kText), {{"a", floats(Shape{1, 2}, {1, 2})}, {"b", floats(Shape{2, 2}, {3, 4, 5, 6})}});
  EXPECT_THAT(symbols, ElementsAre(testing::Pair("n", 1)));
}

}  // namespace
}  // namespace burnish
