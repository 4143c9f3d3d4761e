#pragma once
// A variant's times: from `burnish bench --json`, `bench/peers.py --json`, or typed in.
#include <string>
#include <string_view>
#include <vector>

#include "cost/capacity.h"

namespace burnish::cost {

struct Measurement {
  int batch = 1;
  double seconds = 0;  ///< Median of one execution.
  int lanes = 1;       ///< Executions that ran side by side.
  std::string origin;  ///< The file, or "typed in".
};

/// "8:55ms": a batch size and the time of the whole batch. Throws kInvalidArgument.
Measurement typed_measurement(std::string_view text);

/// One for a file of burnish bench. A file of bench/peers.py holds many; `selection` is then "MODEL/COLUMN", such as
/// "resnet50/ONNX Runtime FP32". Throws kInvalidArgument naming the file and what is wrong or missing in it.
std::vector<Measurement> read_measurements(std::string_view json, const std::string& name,
                                           const std::string& selection);

/// Throws kInvalidArgument when a batch size appears twice or the numbers of lanes differ.
Instance instance_of(const std::vector<Measurement>& measurements);

}  // namespace burnish::cost
