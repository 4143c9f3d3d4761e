#pragma once
// From the words of `burnish cost` to a scenario.
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cost/scenario.h"

namespace burnish::cli {

/// As typed; empty where nothing was.
struct CostInputs {
  std::vector<std::string> variants, volumes, machines, prices;
  std::string baseline, profile, log, growth, price_list, one_off_cost;
  std::string p99, max_utilisation = "80%", queue_delay = "0ms", availability, instance_availability = "99%";
  std::string terms = "on_demand";
  double peak_factor = std::numeric_limits<double>::quiet_NaN();  ///< Not a number: not given.
  int spares = 1, max_batch = 0, months = 36;
  uint64_t seed = 1;
};

/// Times with commas between them: files of `burnish bench --json`, FILE#MODEL/COLUMN of bench/peers.py, or typed in,
/// "1:10ms". Errors carry `option`.
std::vector<cost::Measurement> read_times(const std::string& items, const std::string& option);

void add_cost_options(OptionSet& command, CostInputs& inputs);

/// Reads the files. Throws kInvalidArgument naming the option, kIo naming the file.
cost::Scenario make_scenario(const CostInputs& inputs);

}  // namespace burnish::cli
