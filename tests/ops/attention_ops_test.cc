#include "ops/op_tester.h"

namespace burnish {
namespace {

/// Softmax-weighted mean of one-column values, one head, queries of zeros: every visible key counts alike.
std::vector<double> means(const AttributeMap& attrs, const std::vector<Tensor>& more = {}) {
  const Tensor q = make_floats({1, 1, 3, 1}, {0, 0, 0}), k = make_floats({1, 1, 3, 1}, {1, 2, 3}),
               v = make_floats({1, 1, 3, 1}, {3, 6, 12});
  std::vector<Tensor> inputs{q, k, v};
  inputs.insert(inputs.end(), more.begin(), more.end());
  return values_of(run("Attention", inputs, attrs));
}

TEST(Attention, MasksByCauseWindowMaskAndPadding) {
  EXPECT_THAT(means({}), near(1e-6, {7, 7, 7}));
  EXPECT_THAT(means(attributes({{"is_causal", int64_t{1}}})), near(1e-6, {3, 4.5, 7}));
  EXPECT_THAT(means(attributes({{"left_window_size", int64_t{0}}})), near(1e-6, {7, 9, 12}));
  EXPECT_THAT(means({}, {make_tensor(DType::kBool, {1, 3}, {0, 1, 1})}), near(1e-6, {9, 9, 9}));
  EXPECT_THAT(means({}, {make_tensor(DType::kBool, {3, 3}, {1, 0, 0, 0, 0, 0, 0, 0, 1})}), near(1e-6, {3, 0, 12}));
  // A shorter mask leaves the rest masked.
  EXPECT_THAT(means({}, {make_floats({3, 2}, {0, 0, 0, 0, 0, 0})}), near(1e-6, {4.5, 4.5, 4.5}));
  EXPECT_THAT(means({}, {Tensor(), Tensor(), Tensor(), make_ints({1})}), near(1e-6, {3, 3, 3}));
}

TEST(Attention, GroupsHeadsAndAppendsToThePast) {
  const Tensor q = random_floats({2, 4, 3, 8}, 1), k = random_floats({2, 2, 5, 8}, 2),
               v = random_floats({2, 2, 5, 6}, 3);
  const auto part = [](const Tensor& t, int64_t from, int64_t to) {
    return run("Slice", {t, make_ints({from}), make_ints({to}), make_ints({2})});
  };
  const auto whole = run_all("Attention", {q, k, v}, {}, 1);
  const auto split =
      run_all("Attention", {q, part(k, 2, 5), part(v, 2, 5), Tensor(), part(k, 0, 2), part(v, 0, 2)}, {}, 3);
  EXPECT_THAT(values_of(split[0]), near(1e-6, values_of(whole[0])));
  EXPECT_TRUE(split[1].identical(k));
  EXPECT_TRUE(split[2].identical(v));
}

TEST(Attention, RefusesWhatDoesNotFit) {
  const Tensor q = random_floats({1, 4, 3, 8}, 1), k = random_floats({1, 3, 3, 8}, 2);
  EXPECT_THROW(run("Attention", {q, k, k}), Error);
  EXPECT_THROW(run("Attention", {q, random_floats({1, 2, 3, 7}, 1), k}), Error);
  const Tensor packed = random_floats({1, 3, 8}, 1);
  EXPECT_THROW(run("Attention", {packed, packed, packed}), Error);
  EXPECT_THROW(run("Attention", {packed, packed, packed},
                   attributes({{"q_num_heads", int64_t{3}}, {"kv_num_heads", int64_t{1}}})),
               Error);
  EXPECT_THROW(means({}, {Tensor(), Tensor(), Tensor(), make_ints({-1})}), Error);
  EXPECT_THROW(means({}, {make_floats({3, 4}, std::vector<double>(12, 0))}), Error);
}

TEST(RotaryEmbedding, RotatesPairs) {
  const Tensor x = make_floats({1, 1, 1, 4}, {1, 2, 3, 4}), cos = make_floats({1, 1, 2}, {0, 1}),
               sin = make_floats({1, 1, 2}, {1, 0});
  EXPECT_EQ(values_of(run("RotaryEmbedding", {x, cos, sin})), (std::vector<double>{-3, 2, 1, 4}));
  EXPECT_EQ(values_of(run("RotaryEmbedding", {x, cos, sin}, attributes({{"interleaved", int64_t{1}}}))),
            (std::vector<double>{-2, 1, 3, 4}));
  const Tensor table = make_floats({2, 1}, {1, 0}), sines = make_floats({2, 1}, {0, 1});
  const AttributeMap partial = attributes({{"rotary_embedding_dim", int64_t{2}}});
  const auto at = [&](double position) {
    return values_of(
        run("RotaryEmbedding", {x, table, sines, make_tensor(DType::kInt64, {1, 1}, {position})}, partial));
  };
  EXPECT_EQ(at(1), (std::vector<double>{-2, 1, 3, 4}));
  EXPECT_EQ(at(0), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_THROW(at(2), Error);
  EXPECT_THROW(run("RotaryEmbedding", {x, table, sines}), Error);
}

TEST(LinearAttention, AccumulatesOuterProducts) {
  const AttributeMap attrs = attributes({{"q_num_heads", int64_t{1}},
                                         {"kv_num_heads", int64_t{1}},
                                         {"scale", 1.0F},
                                         {"update_rule", std::string("linear")}});
  const Tensor one = make_floats({1, 3, 1}, {1, 1, 1}), v = make_floats({1, 3, 1}, {1, 2, 4});
  const auto out = run_all("LinearAttention", {one, one, v}, attrs, 2);
  EXPECT_EQ(values_of(out[0]), (std::vector<double>{1, 3, 7}));
  EXPECT_EQ(values_of(out[1]), (std::vector<double>{7}));
  EXPECT_THROW(run("LinearAttention", {one, one, v}), Error);
}

}  // namespace
}  // namespace burnish
