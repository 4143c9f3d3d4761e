#include "passes/pipeline.h"

#include <algorithm>
#include <chrono>

namespace burnish {
namespace {

constexpr PassInfo kPasses[] = {
    {"eliminate_dead_code", "removes nodes that no output needs", eliminate_dead_code, 0},
    {"fold_shapes", "turns values that follow from shapes into constants", fold_shapes, 1},
    {"fold_constants", "evaluates nodes whose inputs are constant", fold_constants, 1},
    {"canonicalise_views", "writes all views as Reshape and merges chains of them", canonicalise_views, 1},
    {"eliminate_identities", "removes nodes that change nothing", eliminate_identities, 1},
    {"eliminate_common_subexpressions", "computes equal things once", eliminate_common_subexpressions, 1},
    {"fold_batch_norm", "folds BatchNormalization and channel factors into convolutions", fold_batch_norm, 2},
    {"recognise_layer_norm", "finds LayerNormalization in its parts", recognise_layer_norm, 2},
    {"recognise_softmax", "finds Softmax in its parts", recognise_softmax, 2},
    {"recognise_gelu", "finds Gelu, by erf and by tanh, in its parts", recognise_gelu, 2},
    {"recognise_silu", "finds x·sigmoid(x)", recognise_silu, 2},
    {"recognise_hardswish", "finds HardSwish and HardSigmoid in their parts", recognise_hardswish, 2},
    {"recognise_reshaping_gather", "turns gathers that visit every element in order into views",
     recognise_reshaping_gather, 2},
    {"fuse_attention", "makes one step of a multi-head attention block", fuse_attention, 2},
    {"hoist_activations", "moves activations in front of views, to the products that can absorb them",
     hoist_activations, 2},
    {"fuse_matmul_epilogue", "lets products absorb bias, scale, activation and residual", fuse_matmul_epilogue, 2},
    {"fuse_qkv", "joins the three products in front of an attention", fuse_qkv, 2},
    {"fuse_conv_epilogue", "lets convolutions absorb bias, activation and residual", fuse_conv_epilogue, 2},
    {"assign_layout", "keeps images channels-last between their borders", assign_layout, 2},
    {"sink_transposes", "moves transposes towards each other until they cancel", sink_transposes, 2},
    {"fuse_pointwise", "makes one step of elementwise chains", fuse_pointwise, 2},
    {"absorb_views", "lets elementwise steps on GPUs read slices and transposes where they lie", absorb_views, 2},
    {"fuse_quantization", "lets nodes between DequantizeLinear and QuantizeLinear work on the integers",
     fuse_quantization, 2},
    {"lower_precision", "stores values and weights as integers or narrow floats", lower_precision, 2},
    {"allow_tf32", "lets tensor cores of GPUs round FLOAT operands to TF32", allow_tf32, 2},
    {"fuse_siblings", "joins convolutions and products of one tensor, on GPUs", fuse_siblings, 2},
};

struct Stage {
  std::vector<std::string_view> passes;
  int max_rounds;  ///< More than one: repeat while anything changes.
};

/// The table of contents.
const std::vector<Stage>& stages() {
  static const Stage kCleanUp{{"eliminate_dead_code", "fold_shapes", "fold_constants", "canonicalise_views",
                               "eliminate_identities", "eliminate_common_subexpressions"},
                              8};
  static const std::vector<Stage> kStages = {
      kCleanUp,
      {{"fold_batch_norm", "recognise_layer_norm", "recognise_softmax", "recognise_gelu", "recognise_silu",
        "recognise_hardswish", "recognise_reshaping_gather"},
       1},
      kCleanUp,
      {{"fuse_attention"}, 1},
      kCleanUp,
      {{"hoist_activations", "fuse_matmul_epilogue", "fuse_qkv", "fuse_conv_epilogue"}, 1},
      kCleanUp,
      {{"assign_layout"}, 1},
      {{"sink_transposes", "eliminate_dead_code", "fold_constants", "canonicalise_views", "eliminate_identities",
        "eliminate_common_subexpressions"},
       8},
      {{"fuse_pointwise", "absorb_views", "eliminate_dead_code"}, 1},
      {{"fuse_quantization", "eliminate_common_subexpressions", "eliminate_dead_code"}, 1},
      {{"lower_precision", "allow_tf32", "eliminate_common_subexpressions", "eliminate_dead_code"}, 1},
      {{"fuse_siblings"}, 1},
  };
  return kStages;
}

/// Those that depend on how values are stored.
constexpr size_t kNumLowering = 2;

const PassInfo& find_pass(std::string_view name) {
  const auto it = std::ranges::find(kPasses, name, &PassInfo::name);
  if (it != std::end(kPasses)) return *it;
  std::vector<std::string_view> known;
  for (const PassInfo& p : kPasses) known.push_back(p.name);
  throw Error(ErrorCode::kInvalidArgument, fmt::format("there is no pass '{}'", name))
      .with_hint(fmt::format("passes: {}", fmt::join(known, ", ")));
}

/// Runs a pass and brings the graph back in order: no dead nodes, all types inferred.
bool apply(const PassInfo& pass, Graph& graph, const PassContext& context) {
  if (!pass.run(graph, context)) return false;
  graph.remove_dead_nodes();
  graph.infer();
  return true;
}

class Driver {
 public:
  Driver(Graph& graph, const PipelineOptions& options) : graph_(graph), options_(options) {
    for (const std::string& name : options.disabled) find_pass(name);
    context_.channels_last = options.channels_last;
    context_.strided_reads = options.strided_reads;
    context_.mixed_images = options.mixed_images;
    context_.several_results = options.several_results;
    context_.tf32 = options.tf32;
    context_.precision = options.precision;
    context_.fused = &report_.fused;
    context_.reporter = &options_.reporter;
  }

  PipelineReport run(std::span<const Stage> stages) {
    const auto start = std::chrono::steady_clock::now();
    graph_.infer();
    report_.nodes_before = graph_.num_nodes();
    for (const Stage& stage : stages) run_stage(stage);
    report_.nodes_after = graph_.num_nodes();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    log_summaries();
    return std::move(report_);
  }

 private:
  void run_stage(const Stage& stage) {
    bool changed = true;
    for (int round = 0; changed && round < stage.max_rounds; ++round) {
      changed = false;
      for (std::string_view name : stage.passes) {
        const PassInfo& pass = find_pass(name);
        if (wanted(pass)) changed = run_one(pass) || changed;
      }
    }
  }

  bool wanted(const PassInfo& pass) const {
    return options_.opt_level >= pass.min_opt_level &&
           std::ranges::find(options_.disabled, pass.name) == options_.disabled.end();
  }

  bool run_one(const PassInfo& pass) {
    const int nodes = graph_.num_nodes();
    const auto start = std::chrono::steady_clock::now();
    const bool changed = with_frame([&] { return fmt::format("pass {}", pass.name); },
                                    [&] {
                                      const bool result = apply(pass, graph_, context_);
                                      if (result && options_.verify) graph_.verify();
                                      return result;
                                    });
    PassSummary& summary = summary_of(pass.name);
    ++summary.runs;
    summary.changes += changed ? 1 : 0;
    summary.nodes_removed += nodes - graph_.num_nodes();
    summary.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (changed && options_.on_change) options_.on_change(pass.name, graph_);
    return changed;
  }

  PassSummary& summary_of(std::string_view name) {
    const auto it = std::ranges::find(report_.passes, name, &PassSummary::name);
    if (it != report_.passes.end()) return *it;
    return report_.passes.emplace_back(PassSummary{std::string(name)});
  }

  void log_summaries() const {
    const Reporter& r = options_.reporter;
    for (const PassSummary& p : report_.passes) {
      r.log(LogLevel::kVerbose, fmt::format("pass {:<32} {} of {} runs changed the graph, {:+d} nodes, {:.1f} ms",
                                            p.name, p.changes, p.runs, -p.nodes_removed, p.seconds * 1e3));
    }
    for (const auto& [kind, n] : report_.fused) r.log(LogLevel::kVerbose, fmt::format("fused {:>4} × {}", n, kind));
    r.log(LogLevel::kVerbose, fmt::format("passes: {} nodes became {} in {:.1f} ms", report_.nodes_before,
                                          report_.nodes_after, report_.seconds * 1e3));
  }

  Graph& graph_;
  const PipelineOptions& options_;
  PassContext context_;
  PipelineReport report_;
};

}  // namespace

std::span<const PassInfo> pass_table() {
  return kPasses;
}

PipelineReport run_passes(Graph& graph, const PipelineOptions& options) {
  return Driver(graph, options).run(stages());
}

PipelineReport lower_passes(Graph& graph, const PipelineOptions& options) {
  return Driver(graph, options).run(std::span(stages()).last(kNumLowering));
}

bool run_pass(std::string_view name, Graph& graph, const PassContext& context) {
  const PassInfo& pass = find_pass(name);
  return with_frame([&] { return fmt::format("pass {}", name); }, [&] { return apply(pass, graph, context); });
}

}  // namespace burnish
