#pragma once
#include <string>

#include "node/node_case.h"

namespace burnish::node_test {

/// Each runs all data sets of a case and returns "" or what went wrong.
/// Import, then the reference evaluation of each node.
std::string run_reference(const NodeCase& node_case);
/// Build, serialise, load, execute.
std::string run_engine(const NodeCase& node_case);

}  // namespace burnish::node_test
