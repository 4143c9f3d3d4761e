// Closed forms against theory computed in other ways.
#include "cost/queueing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace burnish::cost {
namespace {

/// Erlang's C as the textbook's ratio of sums.
double erlang_c_by_sums(int c, double offered) {
  double sum = 0, term = 1;
  for (int k = 0; k < c; ++k) {
    sum += term;
    term *= offered / (k + 1);
  }
  const double waiting = term / (1 - offered / c);
  return waiting / (sum + waiting);
}

/// Mean wait in M/D/c by Little's law from the stationary number of requests, seen every service time: what is served
/// leaves, a Poisson number comes.
double mdc_wait_by_markov_chain(int c, double load) {
  const int states = 600;
  std::vector<double> arrivals(states, 0), p(states, 0);
  for (int k = 0; k < states; ++k) arrivals[k] = std::exp(k * std::log(c * load) - c * load - std::lgamma(k + 1.0));
  p[0] = 1;
  for (int round = 0; round < 3000; ++round) {
    std::vector<double> next(states, 0);
    for (int n = 0; n < states; ++n) {
      if (p[n] < 1e-18) continue;
      const int left = std::max(0, n - c);
      for (int k = 0; left + k < states && k < 80; ++k) next[left + k] += p[n] * arrivals[k];
    }
    double change = 0;
    for (int n = 0; n < states; ++n) change += std::abs(next[n] - p[n]);
    p = next;
    if (change < 1e-13) break;
  }
  double waiting = 0;
  for (int n = c; n < states; ++n) waiting += (n - c) * p[n];
  return waiting / (c * load);  // in service times
}

TEST(Queueing, ErlangCIsTheTextbooksRatio) {
  EXPECT_NEAR(erlang_c({2, 1, 1}), 1.0 / 3, 1e-12);
  for (const int c : {1, 2, 5, 20}) {
    for (const double load : {0.1, 0.6, 0.95}) {
      EXPECT_NEAR(erlang_c({c, c * load, 1}), erlang_c_by_sums(c, c * load), 1e-10) << c << " servers, load " << load;
    }
  }
}

TEST(Queueing, ManyServersNeitherOverflowNorUnderflow) {
  const double waiting = erlang_c({5000, 4900, 1});
  EXPECT_GT(waiting, 0);
  EXPECT_LT(waiting, 1);
}

TEST(Queueing, OneExponentialServer) {
  // W = load · service / (1 - load); the wait exceeds t with probability load · exp(-(μ - λ) t).
  const Queue queue{1, 7, 0.1};
  EXPECT_NEAR(mmc_mean_wait_s(queue), 0.7 * 0.1 / 0.3, 1e-12);
  const double t = mmc_wait_quantile_s(queue, 0.99);
  EXPECT_NEAR(0.7 * std::exp(-3 * t), 0.01, 1e-12);
  EXPECT_EQ(mmc_wait_quantile_s(queue, 0.2), 0);
}

TEST(Queueing, OneConstantServerIsPollaczekKhinchine) {
  for (const double load : {0.1, 0.5, 0.9, 0.99}) {
    EXPECT_NEAR(mdc_mean_wait_s({1, load, 1}), load / (2 * (1 - load)), 1e-12);
  }
}

class ConstantServers : public ::testing::TestWithParam<std::pair<int, double>> {};

TEST_P(ConstantServers, WaitAsTheMarkovChainDoes) {
  const auto [c, load] = GetParam();
  const double expected = mdc_wait_by_markov_chain(c, load);
  // The series is exact; the approximation above a load of 0.95 is not.
  EXPECT_NEAR(mdc_mean_wait_s({c, c * load * 50, 0.02}), expected * 0.02,
              expected * 0.02 * (load > 0.95 ? 0.01 : 1e-4));
}

INSTANTIATE_TEST_SUITE_P(LoadsAndServers, ConstantServers,
                         ::testing::Values(std::pair{2, 0.3}, std::pair{2, 0.9}, std::pair{4, 0.7}, std::pair{8, 0.85},
                                           std::pair{16, 0.6}, std::pair{4, 0.96}));

TEST(Queueing, OverloadIsRefused) {
  EXPECT_THROW(mmc_mean_wait_s({2, 20, 0.1}), Error);
  EXPECT_THROW(mdc_mean_wait_s({1, 11, 0.1}), Error);
  EXPECT_THROW(erlang_c({0, 1, 0.1}), Error);
  EXPECT_THROW(mmc_wait_quantile_s({1, 1, 0.1}, 1), Error);
}

}  // namespace
}  // namespace burnish::cost
