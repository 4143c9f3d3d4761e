#pragma once
// cuDNN's engines by name, and the plans that are made of them.
#include <functional>
#include <memory>
#include <optional>

#include "kernels/cuda/cudnn_conv_graph.h"

namespace burnish::cuda {

/// One of the library's kernels or generators of kernels with its settings: the same numbers mean the same machine code
/// in the same version of the library.
struct DnnEngine {
  struct Knob {
    int type = 0;
    int64_t value = 0;
  };
  int64_t index = 0;
  std::vector<Knob> knobs = {};
};

/// "41/2:5/13:1": the index, then each knob's type and value.
std::string to_string(const DnnEngine& engine);
/// Throws kCorrupt, naming the configuration, where the text is none.
DnnEngine parse_dnn_engine(std::string_view text, std::string_view config);

/// Which engines are wanted.
struct DnnWish {
  int heuristics = dnn::kHeuristicsA;
  bool tensor_cores = true;  ///< Else only those that do without.
  size_t most = 0;
  size_t most_compiled = 0;  ///< Of those that compile a kernel when they are planned, which takes a second each.
};
/// The library's best guesses, best first, without engines that round more than the problem's types do, and those whose
/// results differ from run to run.
std::vector<DnnEngine> find_dnn_engines(const DnnGraph& graph, const DnnWish& wish, const dnn::Site& site);

/// Configurations of cuda.cudnn_conv worth timing, best guess first; one without an engine where there is none.
std::vector<std::string> dnn_conv_candidates(const DnnConv& conv, std::string_view arch, const dnn::Site& site);

/// What runs: an engine made for a graph.
class DnnPlan {
 public:
  /// Throws kUnsupported where the engine does not do the graph.
  DnnPlan(DnnGraph graph, const DnnEngine& engine, const dnn::Site& site);
  /// From what text() gave in this version of the library: nothing is compiled. Throws kUnsupported where it is
  /// another's.
  DnnPlan(const std::string& text, const dnn::Site& site);
  /// The plan with its machine code. Throws kUnsupported where the engine's plans have none.
  std::string text() const { return plan_.get_text(dnn::kPlanJson); }
  size_t workspace_bytes() const { return workspace_bytes_; }
  /// Enqueues on the stream. ids and pointers: of the graph's tensors.
  void run(std::span<const int64_t> ids, std::span<void* const> pointers, void* workspace, void* stream,
           dnn::Site& site) const;

 private:
  std::optional<DnnGraph> graph_;
  std::vector<dnn::Descriptor> parts_;  // what the plan refers to
  dnn::Descriptor plan_;
  size_t workspace_bytes_ = 0;
};

/// As long as some kernel has it, a plan is made once: compiling one takes a second. Takes the site's lock. key:
/// everything that the plan depends on but the site.
std::shared_ptr<const DnnPlan> shared_dnn_plan(const std::string& key, dnn::Site& site,
                                               const std::function<std::shared_ptr<const DnnPlan>()>& make);
std::shared_ptr<const DnnPlan> shared_dnn_plan(const DnnConv& conv, const DnnEngine& engine, int64_t alignment,
                                               dnn::Site& site);

/// The same where the engine does these shapes; else, as where it was chosen for others, the library's first that does.
/// Throws kUnsupported where none does.
std::shared_ptr<const DnnPlan> shared_dnn_plan_or_other(const DnnConv& conv, const DnnEngine& engine, int64_t alignment,
                                                        dnn::Site& site);

}  // namespace burnish::cuda
