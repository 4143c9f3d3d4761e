#include "ops/op_tester.h"

namespace burnish {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

TEST(Rnn, StepsThroughTimeInBothDirections) {
  const Tensor x = make_floats({2, 1, 1}, {1, -2}), w = make_floats({2, 1, 1}, {0.5, 1}),
               r = make_floats({2, 1, 1}, {2, -1});
  const auto out = run_all("RNN", {x, w, r}, attributes({{"direction", std::string("bidirectional")}}), 2);
  const double f1 = std::tanh(0.5), f2 = std::tanh(-1 + 2 * f1), b2 = std::tanh(-2), b1 = std::tanh(1 - b2);
  EXPECT_EQ(out[0].shape(), (Shape{2, 2, 1, 1}));
  EXPECT_THAT(values_of(out[0]), near(1e-6, {f1, b1, f2, b2}));
  EXPECT_THAT(values_of(out[1]), near(1e-6, {f2, b1}));
}

TEST(Rnn, StopsAtEachSequencesLength) {
  const Tensor x = make_floats({2, 2, 1}, {1, 1, 1, 1}), w = make_floats({1, 1, 1}, {1}),
               r = make_floats({1, 1, 1}, {1});
  const auto out = run_all("RNN", {x, w, r, Tensor(), make_ints({1, 2})},
                           attributes({{"activations", std::vector<std::string>{"Relu"}}}), 2);
  EXPECT_EQ(values_of(out[0]), (std::vector<double>{1, 1, 0, 2}));
  EXPECT_EQ(values_of(out[1]), (std::vector<double>{1, 2}));
  EXPECT_THROW(run("RNN", {x, w, r, Tensor(), make_ints({1, 3})}), Error);
}

TEST(Gru, ResetsBeforeOrAfterTheProduct) {
  const Tensor x = make_floats({1, 1, 1}, {1}), w = make_floats({1, 3, 1}, {0.1, 0.2, 0.3}),
               r = make_floats({1, 3, 1}, {0.4, 0.5, 0.6});
  const Tensor b = make_floats({1, 6}, {0, 0, 0.7, 0, 0, 0.8}), h0 = make_floats({1, 1, 1}, {2});
  const double z = sigmoid(0.1 + 0.8), reset = sigmoid(0.2 + 1.0);
  const auto expected = [&](double h) { return std::vector<double>{(1 - z) * std::tanh(h) + z * 2}; };
  EXPECT_THAT(values_of(run("GRU", {x, w, r, b, Tensor(), h0})), near(1e-6, expected(0.3 + 0.7 + reset * 1.2 + 0.8)));
  EXPECT_THAT(values_of(run("GRU", {x, w, r, b, Tensor(), h0}, attributes({{"linear_before_reset", int64_t{1}}}))),
              near(1e-6, expected(0.3 + 0.7 + reset * (1.2 + 0.8))));
}

TEST(Lstm, GatesItsCellWithPeepholes) {
  const Tensor x = make_floats({1, 1, 1}, {1}), w = make_floats({1, 4, 1}, {0.1, 0.2, 0.3, 0.4}),
               r = make_floats({1, 4, 1}, {0, 0, 0, 0});
  const Tensor c0 = make_floats({1, 1, 1}, {2}), p = make_floats({1, 3}, {0.5, 0.6, 0.7});
  const auto out = run_all("LSTM", {x, w, r, Tensor(), Tensor(), Tensor(), c0, p}, {}, 3);
  const double i = sigmoid(0.1 + 1.0), f = sigmoid(0.3 + 1.4), c = f * 2 + i * std::tanh(0.4),
               o = sigmoid(0.2 + 0.6 * c);
  EXPECT_THAT(values_of(out[2]), near(1e-6, {c}));
  EXPECT_THAT(values_of(out[1]), near(1e-6, {o * std::tanh(c)}));
}

TEST(Lstm, TakesTheBatchFirst) {
  const Tensor x = random_floats({3, 2, 4}, 1), w = random_floats({1, 20, 4}, 2), r = random_floats({1, 20, 5}, 3);
  const auto time_first = run_all("LSTM", {x, w, r}, {}, 3);
  const Tensor swapped = run("Transpose", {x}, attributes({{"perm", std::vector<int64_t>{1, 0, 2}}}));
  const auto batch_first = run_all("LSTM", {swapped, w, r}, attributes({{"layout", int64_t{1}}}), 3);
  EXPECT_EQ(batch_first[0].shape(), (Shape{2, 3, 1, 5}));
  EXPECT_THAT(values_of(batch_first[2]), near(1e-6, values_of(time_first[2])));
}

TEST(Recurrent, RefusesWhatDoesNotFit) {
  const Tensor x = random_floats({3, 2, 4}, 1), w = random_floats({1, 20, 4}, 2), r = random_floats({1, 20, 5}, 3);
  const auto fails = [&](const std::vector<std::pair<std::string, Attribute>>& a) {
    EXPECT_THROW(run("LSTM", {x, w, r}, attributes(a)), Error) << to_string(attributes(a));
  };
  fails({{"direction", std::string("bidirectional")}});
  fails({{"direction", std::string("up")}});
  fails({{"layout", int64_t{2}}});
  fails({{"activations", std::vector<std::string>{"Relu"}}});
  fails({{"activations", std::vector<std::string>{"Relu", "Relu", "Shrug"}}});
  EXPECT_THROW(run("GRU", {x, w, r}), Error);
  EXPECT_THROW(run("LSTM", {x, w, random_floats({1, 20, 4}, 3)}), Error);
}

}  // namespace
}  // namespace burnish
