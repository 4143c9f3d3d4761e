#pragma once
// A pass: a named function that rewrites a graph without changing what it computes.
//
// Passes leave types inferred for what they add (Graph::infer_node), and leave what they no longer need to
// eliminate_dead_code.
#include <map>
#include <string>
#include <string_view>

#include "base/log.h"
#include "ir/graph.h"

namespace burnish {

struct PrecisionPlan;

/// What a pass may know and where it reports.
struct PassContext {
  /// Images are kept channels-last where that pays (assign_layout).
  bool channels_last = true;
  /// Elementwise kernels read transposed and sliced inputs where they lie (absorb_views): those of GPUs do.
  bool strided_reads = false;
  /// Convolutions read FLOAT images of few channels beside narrow weights (lower_precision): those of GPUs do.
  bool mixed_images = false;
  /// Products of one tensor become one product with several results (fuse_siblings): kernels of GPUs write those.
  bool several_results = false;
  /// FLOAT products may be rounded to TF32 (allow_tf32): on GPUs, when the user allows it.
  bool tf32 = false;
  /// What is to be stored narrow (lower_precision); null: nothing.
  const PrecisionPlan* precision = nullptr;
  /// Counts fusions by kind ("Conv+BatchNormalization"); may be null.
  std::map<std::string, int>* fused = nullptr;
  const Reporter* reporter = nullptr;

  void count(const std::string& kind, int n = 1) const {
    if (fused != nullptr) (*fused)[kind] += n;
  }
  void log(std::string_view text) const {
    if (reporter != nullptr) reporter->log(LogLevel::kVerbose, text);
  }
};

/// True when the graph was changed.
using PassFn = bool (*)(Graph&, const PassContext&);

struct PassInfo {
  std::string_view name;
  std::string_view description;
  PassFn run;
  int min_opt_level;
};

// Clean-up.
bool fold_shapes(Graph& graph, const PassContext& context);
bool fold_constants(Graph& graph, const PassContext& context);
bool canonicalise_views(Graph& graph, const PassContext& context);
bool eliminate_identities(Graph& graph, const PassContext& context);
bool eliminate_common_subexpressions(Graph& graph, const PassContext& context);
bool eliminate_dead_code(Graph& graph, const PassContext& context);
// Recognition of what exporters took apart.
bool recognise_layer_norm(Graph& graph, const PassContext& context);
bool recognise_gelu(Graph& graph, const PassContext& context);
bool recognise_silu(Graph& graph, const PassContext& context);
bool recognise_hardswish(Graph& graph, const PassContext& context);
bool recognise_softmax(Graph& graph, const PassContext& context);
bool recognise_reshaping_gather(Graph& graph, const PassContext& context);
// Fusion.
bool fold_batch_norm(Graph& graph, const PassContext& context);
bool hoist_activations(Graph& graph, const PassContext& context);
bool fuse_attention(Graph& graph, const PassContext& context);
bool fuse_matmul_epilogue(Graph& graph, const PassContext& context);
bool fuse_qkv(Graph& graph, const PassContext& context);
bool fuse_conv_epilogue(Graph& graph, const PassContext& context);
bool fuse_pointwise(Graph& graph, const PassContext& context);
bool absorb_views(Graph& graph, const PassContext& context);
// Layout.
bool assign_layout(Graph& graph, const PassContext& context);
bool sink_transposes(Graph& graph, const PassContext& context);
// Precision.
bool fuse_quantization(Graph& graph, const PassContext& context);
bool lower_precision(Graph& graph, const PassContext& context);
bool allow_tf32(Graph& graph, const PassContext& context);
// Horizontal fusion, of what is stored as it will be.
bool fuse_siblings(Graph& graph, const PassContext& context);

}  // namespace burnish
