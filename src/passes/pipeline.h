#pragma once
// The order of the passes, and the driver that runs, times, verifies and reports them.
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "passes/pass.h"

namespace burnish {

struct PipelineOptions {
  int opt_level = 3;                  ///< 0: dead code only … 1: clean-up … 2 and above: everything.
  std::vector<std::string> disabled;  ///< Names of passes to leave out; unknown ones are an error.
  bool channels_last = true;          ///< Let assign_layout choose channels-last for images.
  bool strided_reads = false;         ///< PassContext::strided_reads.
  bool mixed_images = false;          ///< PassContext::mixed_images.
  bool several_results = false;       ///< PassContext::several_results.
  bool tf32 = false;                  ///< PassContext::tf32.
#ifdef NDEBUG
  bool verify = false;  ///< Check the graph's invariants after every pass.
#else
  bool verify = true;
#endif
  const PrecisionPlan* precision = nullptr;  ///< Values to be stored narrow (passes/precision.h); null: none.
  Reporter reporter;                         ///< Verbose messages tell what each pass changed and how long it took.
  /// Called after every pass that changed the graph; for --dump.
  std::function<void(std::string_view pass, const Graph& graph)> on_change;
};

/// All runs of one pass together.
struct PassSummary {
  std::string name;
  int runs = 0;
  int changes = 0;        ///< Runs that changed something.
  int nodes_removed = 0;  ///< Negative when nodes were added.
  double seconds = 0;
};

struct PipelineReport {
  std::map<std::string, int> fused;  ///< By kind: "Conv+BatchNormalization" → 53.
  std::vector<PassSummary> passes;   ///< In the order of their first run.
  int nodes_before = 0;
  int nodes_after = 0;
  double seconds = 0;
};

/// Every pass once, in the order in which they first run.
std::span<const PassInfo> pass_table();
/// Infers types, then runs the passes. Errors carry the frame "pass NAME".
PipelineReport run_passes(Graph& graph, const PipelineOptions& options = {});
/// Runs the last passes only, on a graph from run_passes() with a plan that stores nothing narrow and without
/// several_results: what that plan left open is now stored as options.precision says.
PipelineReport lower_passes(Graph& graph, const PipelineOptions& options);
/// Runs one pass by name, for tests and bisection. Throws kInvalidArgument for an unknown name.
bool run_pass(std::string_view name, Graph& graph, const PassContext& context = {});

}  // namespace burnish
