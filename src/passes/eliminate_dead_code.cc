// Removes nodes whose results no output needs, and the elements of constants nobody reads.
#include "passes/pass.h"

namespace burnish {

bool eliminate_dead_code(Graph& graph, const PassContext& /*context*/) {
  return graph.remove_dead_nodes() > 0;
}

}  // namespace burnish
