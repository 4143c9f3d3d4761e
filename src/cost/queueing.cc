#include "cost/queueing.h"

#include <cmath>

#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr double kSeriesLimit = 0.95;
constexpr double kNegligible = 1e-12;

void check_queue(const Queue& q) {
  check(q.num_servers >= 1 && q.rate_per_s > 0 && q.service_s > 0, ErrorCode::kInvalidArgument,
        "a queue of {} servers, {} requests/s and a service time of {} s: all three must be positive", q.num_servers,
        q.rate_per_s, q.service_s);
  check(q.utilisation() < 1, ErrorCode::kInvalidArgument,
        "{} requests/s of {} s each keep {} servers busy {:.3g} times over: the queue grows for ever; add servers",
        q.rate_per_s, q.service_s, q.num_servers, q.utilisation());
}

/// Erlang's B by its recurrence, which neither over- nor underflows.
double erlang_b(int num_servers, double offered) {
  double blocked = 1;
  for (int k = 1; k <= num_servers; ++k) blocked = offered * blocked / (k + offered * blocked);
  return blocked;
}

struct PoissonTail {
  double at = 0;        ///< P(X = k)
  double at_least = 0;  ///< P(X >= k)
};

/// For k above the mean, where terms fall.
PoissonTail poisson_tail(double mean, double k) {
  double term = std::exp(k * std::log(mean) - mean - std::lgamma(k + 1));
  PoissonTail tail{term, 0};
  for (double j = k; term > kNegligible * tail.at_least; ++j) {
    tail.at_least += term;
    term *= mean / (j + 1);
  }
  return tail;
}

double crommelin_wait_s(const Queue& q) {
  const double load = q.utilisation();
  double sum = 0, term = 1;
  for (double i = 1; term > kNegligible * sum; ++i) {
    const double k = i * q.num_servers;
    const PoissonTail tail = poisson_tail(k * load, k);
    term = tail.at_least - (tail.at_least - tail.at) / load;
    sum += term;
  }
  return sum * q.service_s;
}

double cosmetatos_wait_s(const Queue& q) {
  const double c = q.num_servers, load = q.utilisation();
  return mmc_mean_wait_s(q) / 2 * (1 + (1 - load) * (c - 1) * (std::sqrt(4 + 5 * c) - 2) / (16 * load * c));
}

}  // namespace

double erlang_c(const Queue& q) {
  check_queue(q);
  const double blocked = erlang_b(q.num_servers, q.rate_per_s * q.service_s);
  return blocked / (1 - q.utilisation() * (1 - blocked));
}

double mmc_mean_wait_s(const Queue& q) {
  return erlang_c(q) * q.service_s / (q.num_servers * (1 - q.utilisation()));
}

double mmc_wait_quantile_s(const Queue& q, double quantile) {
  check(quantile >= 0 && quantile < 1, ErrorCode::kInvalidArgument, "quantile {}: give one from 0 to below 1",
        quantile);
  const double waiting = erlang_c(q), late = 1 - quantile;
  if (waiting <= late) return 0;
  return std::log(waiting / late) * q.service_s / (q.num_servers * (1 - q.utilisation()));
}

double mdc_mean_wait_s(const Queue& q) {
  check_queue(q);
  const double load = q.utilisation();
  if (q.num_servers == 1) return load * q.service_s / (2 * (1 - load));
  return load <= kSeriesLimit ? crommelin_wait_s(q) : cosmetatos_wait_s(q);
}

}  // namespace burnish::cost
