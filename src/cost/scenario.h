#pragma once
// Everything a plan rests on.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cost/capacity.h"
#include "cost/measurements.h"
#include "cost/prices.h"
#include "cost/traffic.h"

namespace burnish::cost {

/// One way to serve the model: its times, and the machine they were measured on.
struct Variant {
  std::string name;
  std::vector<Measurement> measurements;
  MachinePrice price;
};

/// Instances beyond those that the load needs.
struct Redundancy {
  int spares = 1;
  /// Instead of a fixed number: as many as this share of the time asks for (availability.h).
  std::optional<double> availability;
  double instance_availability = 0.99;
};

struct Scenario {
  std::vector<Variant> variants;
  size_t baseline = 0;  ///< Index of the variant that the others are compared with.
  Traffic traffic;
  ServiceLevel level;
  Redundancy redundancy;
  double one_off_cost = 0;  ///< Of going from the baseline to another variant.
  int horizon_months = 36;  ///< In this time the one-off cost must come back.
  uint64_t seed = 1;        ///< Of the simulated arrivals.
  std::string currency;     ///< Of all amounts; empty if nobody said one.
};

/// Throws kInvalidArgument naming what is missing or makes no sense.
void check_scenario(const Scenario& scenario);

}  // namespace burnish::cost
