#pragma once
// Closed forms of queueing theory: requests arrive as a Poisson process at rate_per_s and wait in one queue for the
// first of num_servers equal servers. The capacity plan rests on simulation (batch_simulator.h); these check it.
namespace burnish::cost {

/// What both queues are made of. All functions throw kInvalidArgument unless num_servers >= 1, rate_per_s > 0,
/// service_s > 0 and the utilisation is below 1.
struct Queue {
  int num_servers = 1;
  double rate_per_s = 0;  ///< Arrivals of all requests together.
  double service_s = 0;   ///< Mean service time of one request.
  /// Busy share of every server: rate · service / servers.
  double utilisation() const { return rate_per_s * service_s / num_servers; }
};

/// Probability that a request must wait in M/M/c (Erlang's C formula).
double erlang_c(const Queue& queue);

/// Mean wait in M/M/c (exponential service): C · service / (c · (1 - utilisation)).
double mmc_mean_wait_s(const Queue& queue);

/// The wait in M/M/c that a share of the requests does not exceed; quantile in [0, 1).
double mmc_wait_quantile_s(const Queue& queue, double quantile);

/// Mean wait in M/D/c (constant service): Pollaczek-Khinchine's formula for one server, for more Crommelin's series
/// ("Delay probability formulae when the holding times are constant", 1932) up to a utilisation of 0.95, where it
/// becomes long, and above Cosmetatos' approximation ("Some approximate equilibrium results for the multi-server queue
/// M/G/r", 1976), whose error there is below 1 %.
double mdc_mean_wait_s(const Queue& queue);

}  // namespace burnish::cost
