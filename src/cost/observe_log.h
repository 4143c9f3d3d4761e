#pragma once
// From a log of requests to what the server did.
#include <optional>
#include <string>
#include <string_view>

#include "cost/observation.h"

namespace burnish::cost {

/// `csv` has a header that names its columns, in any order: `time` or `timestamp`, a request's arrival (csv.h);
/// `duration_ms`, from arrival to answer; if there is one, `queue_ms`, how much of that it waited; if there is one,
/// `batch`, how many items were executed together with it, itself included (1 if not said). `_us` and `_s` are units as
/// well; other columns are ignored. Lines need not be in order.
///
/// What computing took is, in this order: what `known` says of the batch's size; the duration less queue_ms; where
/// every batch is 1, the time from when an instance was free for the request to its answer, as if `instances` of them
/// served one queue, first come first served. Throws kInvalidArgument naming the line or the column, for fewer than 100
/// requests, and where none of the three ways works.
Observation observe_log(std::string_view csv, const std::string& name, const std::optional<LatencyCurve>& known,
                        int instances);

}  // namespace burnish::cost
