#pragma once
// Joined products (JoinedConv, JoinedMatMul) that do not pay are taken apart again into what they were made of.
#include <functional>

#include "compile/step_options.h"
#include "ir/graph.h"

namespace burnish {

bool is_joined(std::string_view op);

/// The graph with single products, named after what they make, in the place of those joined ones of which `which` says
/// so. Values keep their names; types are inferred.
Graph taken_apart(const Graph& graph, const std::function<bool(const Node&)>& which);

/// Whether a joined product, of which these are the options, takes no longer than its parts one after the other.
/// parts_us: their best times together; 0: not timed. Then it is assumed wherever results leave 16 bytes at a time: the
/// joined product never has more tiles than its parts together, and reads its operand once. Never where only the
/// reference runs it.
bool pays(const StepOptions& joined, double parts_us);

}  // namespace burnish
