#pragma once
// From an ONNX model to a Graph.
//
// Understood: opset 7 to the newest (kNewestOpset), ai.onnx.ml where we have the operator, external data, model-local
// functions (inlined), `If` whose condition is known from constants and fixed shapes (its branch is inlined) or whose
// branches are harmless (Where chooses), Loop and Scan of known length (unrolled). Operators of older opsets are
// brought up to the newest one's semantics. Initialisers that are also inputs become constants.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "ir/graph.h"

namespace burnish {

inline constexpr int64_t kOldestOpset = 7;  ///< Older ones only for operators that have not changed since.
inline constexpr int64_t kNewestOpset = 28;
inline constexpr int64_t kNewestMlOpset = 5;

struct ImportOptions {
  /// Nodes after the inlining of functions; a small file can ask for any number of them.
  int64_t max_nodes = 1'000'000;
};

/// Imports a serialised ModelProto. External data is looked for below base_directory ("" refuses it). All values of the
/// result have been inferred as far as the graph tells. Throws one Error that lists every problem of the model with its
/// node, operator, domain and what to do: kInvalidModel, kUnsupported or kIo.
Graph import_model(std::span<const std::byte> bytes, const std::string& base_directory,
                   const ImportOptions& options = {});

/// The same for a file, with its external data beside it. Throws kIo too.
Graph import_model_file(const std::string& path, const ImportOptions& options = {});

}  // namespace burnish
