#pragma once
// A log of real requests as traffic.
#include <string>
#include <string_view>

#include "cost/traffic.h"

namespace burnish::cost {

/// What a log tells: one volume, its profile and its peak factor. `csv` has one request a line, its time in the first
/// column: ISO 8601 ("2026-03-01T12:34:56.789Z", offsets allowed, UTC without one) or seconds (milliseconds above
/// 10^11) since 1970. The first line may be a header; lines need not be in order. The profile's hours are UTC's. A log
/// that covers less than a day counts as it stands: its volume is scaled to 24 hours. The peak factor is the busiest
/// window's rate over its hour's, the window being the shortest of 1, 5, 15 minutes in which the busiest hour has 100
/// requests on average; 1 if there is none. Throws kInvalidArgument naming the line.
Traffic read_traffic_log(std::string_view csv, const std::string& name);

}  // namespace burnish::cost
