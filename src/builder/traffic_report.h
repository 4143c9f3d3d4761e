#pragma once
// What profiles gain over observed traffic, as a table for people and as JSON.
#include <string>
#include <vector>

#include "builder/traffic_meter.h"

namespace burnish {

/// One profile over the points that it serves.
struct TrafficRow {
  OptimizationProfile profile;
  double executions = 0;
  double general_us = 0, us = 0;  ///< Sums over these executions: with the general profile, and with this one.
  /// Share of the time that it saves; 0 when it serves nothing.
  double saved_us() const { return general_us - us; }
  double gain() const { return general_us > 0 ? 1 - us / general_us : 0; }
};

struct TrafficReport {
  std::string file;
  std::vector<TrafficRow> rows;      ///< By profile of the engine, the general one first.
  std::vector<TrafficRow> left_out;  ///< As measured beside the others.
  double least_gain = 0;             ///< With less, a profile is left out.
  int64_t general_weight_bytes = 0, weight_bytes = 0;
};

/// timings are of an engine of these profiles.
std::vector<TrafficRow> traffic_rows(const std::vector<OptimizationProfile>& profiles, const TrafficPoints& traffic,
                                     const std::vector<PointTiming>& timings);
std::string traffic_summary(const TrafficReport& report, const TrafficPoints& traffic);
std::string traffic_json(const TrafficReport& report, const TrafficPoints& traffic,
                         const std::vector<PointTiming>& timings);

}  // namespace burnish
