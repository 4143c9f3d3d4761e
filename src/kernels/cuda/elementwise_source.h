#pragma once
// Elementwise steps as CUDA source: one function of one element of each input.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/tactic.h"

namespace burnish::cuda {

struct ElementwiseSource {
  std::vector<std::string> input_types;  ///< As the prelude names them; empty: the input is absent.
  std::string output_type;
  /// Defines `element(x0, x1, …)` of the present inputs, which returns the output's element, and what it needs.
  std::string source;
};

/// nullopt when the problem is no elementwise step that is known.
std::optional<ElementwiseSource> elementwise_source(const Problem& problem);
/// The operators that elementwise_source() may know.
std::vector<std::string_view> elementwise_ops();

}  // namespace burnish::cuda
