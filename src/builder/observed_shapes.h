#pragma once
// What shapes a model was executed with, as a file tells: the input of `burnish build --traffic`.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace burnish {

struct ObservedShapes {
  /// Executions by extent; never empty, none is 0.
  using Counts = std::map<int64_t, int64_t>;
  std::string file;  ///< As errors name it.
  Counts batches;    ///< By batch size; empty when the file says nothing of it.
  /// By a free dimension's name, such as "sequence"; counts of different dimensions, and of batches, are taken as
  /// independent.
  std::map<std::string, Counts> dimensions;
};

/// Reads {"batches": {"1": 120, "4": 5000}, "dimensions": {"sequence": {"128": 4000, "256": 1120}}}, or the statistics
/// of one model as `burnish serve` and Triton answer them at /v2/models/MODEL/stats. Throws kInvalidArgument naming the
/// file, the key and what is wrong with it.
ObservedShapes parse_observed_shapes(std::string_view json, const std::string& file);

}  // namespace burnish
