#include "ops/dim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace burnish {
namespace {

using Symbols = std::map<std::string, int64_t, std::less<>>;

TEST(Dim, Polynomials) {
  const Dim b = Dim::symbol("batch");
  const Dim s = Dim::symbol("sequence");
  EXPECT_EQ(to_string(b), "batch");
  EXPECT_EQ(to_string(Dim(2) * b * s + Dim(1)), "2*batch*sequence + 1");
  EXPECT_EQ(to_string(Dim(0) - b - Dim(3)), "-batch - 3");
  EXPECT_EQ((b + s) * (b - s), b * b - s * s);
  EXPECT_TRUE((b - b).is(0));
  EXPECT_EQ(Dim(17).value(), 17);
  EXPECT_THROW(b.value(), Error);
}

TEST(Dim, FloorDivisionIsCanonical) {
  const Dim h = Dim::symbol("h");
  EXPECT_EQ(floor_div(h - Dim(3), 2) + Dim(1), floor_div(h - Dim(1), 2));
  EXPECT_EQ(floor_div(Dim(4) * h + Dim(2), 2), Dim(2) * h + Dim(1));
  EXPECT_EQ(to_string(floor_div(h + Dim(1), 2)), "floor((h + 1)/2)");
  EXPECT_EQ(to_string(floor_div(Dim(2) * h + Dim(2), 6)), "floor((h + 1)/3)");
  EXPECT_EQ(floor_div(floor_div(h + Dim(1), 2) + Dim(1), 2), floor_div(h + Dim(3), 4));
  EXPECT_EQ(ceil_div(h, 2), floor_div(h + Dim(1), 2));
  EXPECT_EQ(floor_div(Dim(-7), 2).value(), -4);
  EXPECT_EQ(ceil_div(Dim(-7), 2).value(), -3);
  EXPECT_THROW(floor_div(h, 0), Error);
}

TEST(Dim, ExactDivision) {
  const Dim a = Dim::symbol("a");
  const Dim b = Dim::symbol("b");
  EXPECT_EQ(exact_div((a + b) * (a - Dim(2)), a - Dim(2)), a + b);
  EXPECT_EQ(exact_div(Dim(12) * a * b, Dim(4) * b), Dim(3) * a);
  EXPECT_FALSE(exact_div(a * b + Dim(1), b).has_value());
  EXPECT_FALSE(exact_div(a, Dim(0)).has_value());
}

TEST(Dim, ExtremaOfComparableDims) {
  const Dim a = Dim::symbol("a");
  EXPECT_EQ(max(a + Dim(2), a), a + Dim(2));
  EXPECT_EQ(min(a + Dim(2), a), a);
  EXPECT_EQ(max(a, Dim::symbol("b")), max(Dim::symbol("b"), a));
  EXPECT_EQ(to_string(max(a, Dim(5))), "max(5, a)");
}

TEST(Dim, OddNamesAreQuoted) {
  const Dim d = Dim::symbol("past + 1") * Dim(2);
  EXPECT_EQ(to_string(d), "2*`past + 1`");
  EXPECT_EQ(parse_dim(to_string(d)), d);
  EXPECT_EQ(d.evaluate({{"past + 1", 4}}), 8);
  std::vector<std::string> names;
  d.collect_symbols(names);
  EXPECT_THAT(names, testing::ElementsAre("past + 1"));
}

TEST(Dim, OverflowIsAnError) {
  const Dim big = INT64_MAX;
  EXPECT_THROW(big + Dim(1), Error);
  EXPECT_THROW(big * Dim(2), Error);
  EXPECT_THROW(floor_div(Dim(INT64_MIN), Dim(-1)), Error);
  EXPECT_FALSE(exact_div(Dim(INT64_MIN), Dim(-1)).has_value());
}

TEST(Dim, ParserNamesTheFault) {
  for (const char* text :
       {"", "a +", "floor(a)", "sin(a)", "2 2", "(a", "`a", "99999999999999999999", "a-*b", "max(a)"})
    EXPECT_THROW(parse_dim(text), Error) << text;
  EXPECT_THROW(parse_dim(std::string(5000, '(')), Error);
  EXPECT_EQ(parse_dim("-9223372036854775808"), Dim(INT64_MIN));
  EXPECT_EQ(parse_dim("ceil(a/2)"), ceil_div(Dim::symbol("a"), 2));
}

// Random expressions evaluate to what the same arithmetic on numbers gives, before and after a trip through text.
struct Sample {
  Dim dim;
  int64_t value;
};

int64_t floor_of(int64_t a, int64_t b) {
  return (a - ((a % b) + b) % b) / b;
}

Sample random_sample(std::mt19937& rng, const Symbols& symbols, int depth) {
  const auto pick = [&](int n) { return static_cast<int>(rng() % static_cast<unsigned>(n)); };
  if (depth == 0 && pick(3) == 0) {
    const int64_t v = pick(11) - 5;
    return {v, v};
  }
  if (depth == 0) {
    const auto it = std::next(symbols.begin(), pick(static_cast<int>(symbols.size())));
    return {Dim::symbol(it->first), it->second};
  }
  const Sample a = random_sample(rng, symbols, depth - 1);
  const Sample b = random_sample(rng, symbols, pick(depth));
  const int64_t n = pick(6) + 1;
  switch (pick(7)) {
    case 0:
      return {a.dim + b.dim, a.value + b.value};
    case 1:
      return {a.dim - b.dim, a.value - b.value};
    case 2:
      return {a.dim * b.dim, a.value * b.value};
    case 3:
      return {floor_div(a.dim, n), floor_of(a.value, n)};
    case 4:
      return {ceil_div(a.dim, n), -floor_of(-a.value, n)};
    case 5:
      return {max(a.dim, b.dim), std::max(a.value, b.value)};
    default:
      return {min(a.dim, b.dim), std::min(a.value, b.value)};
  }
}

TEST(Dim, RandomExpressionsEvaluateAndSurviveText) {
  std::mt19937 rng(1);
  for (int i = 0; i < 500; ++i) {
    const Symbols symbols{{"a", rng() % 50}, {"height", rng() % 50}, {"odd name", rng() % 50}};
    const Sample s = random_sample(rng, symbols, 4);
    ASSERT_EQ(s.dim.evaluate(symbols), s.value) << to_string(s.dim);
    ASSERT_EQ(parse_dim(to_string(s.dim)), s.dim) << to_string(s.dim);
  }
}

TEST(SymShape, Broadcast) {
  const Dim b = Dim::symbol("b");
  const Dim s = Dim::symbol("s");
  EXPECT_EQ(broadcast(SymShape{b, 1, 3}, SymShape{s, 3}), (SymShape{b, s, 3}));
  EXPECT_EQ(broadcast(SymShape{b}, SymShape{s}), SymShape{b});
  EXPECT_EQ(broadcast(SymShape{b}, SymShape{7}), SymShape{7});
  EXPECT_THROW(broadcast(SymShape{2}, SymShape{3}), Error);
  EXPECT_EQ(to_string(SymShape{b, 3}), "[b,3]");
  EXPECT_EQ(to_concrete(SymShape{2, 3}), Shape({2, 3}));
  EXPECT_FALSE(to_concrete(SymShape{b}).has_value());
  EXPECT_EQ(num_elements(SymShape{b, 4, s}), Dim(4) * b * s);
}

}  // namespace
}  // namespace burnish
