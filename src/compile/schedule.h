#pragma once
// The order of execution.
#include <functional>
#include <vector>

#include "ir/graph.h"

namespace burnish {

/// Live nodes in an order that keeps memory low: the better, by simulated peak, of the graph's own order and of a
/// greedy one that always runs the ready node which frees most. bytes_of tells the size of a value (0 if unknown).
std::vector<NodeId> schedule(const Graph& graph, const std::function<int64_t(ValueId)>& bytes_of);

}  // namespace burnish
