#pragma once
// A readable text form of graphs, for --dump, tests and bug reports. parse_graph(print(g)) prints the same text.
//
//   graph "resnet" {
//     input %image: float32[batch,3,224,224]
//     const %w: float32[64,3,7,7]            constants of up to 64 elements carry "= {1, 2, 3}"
//     %y, %z = Conv(%image, %w, _) {strides=[2,2]} "conv1" : float32[batch,64,112,112], float32[…]
//     output "logits" = %y
//   }
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace burnish {

std::string print(const Graph& graph);
/// Constants without elements get seeded random ones. Throws kInvalidModel with the line number.
Graph parse_graph(std::string_view text);

}  // namespace burnish
