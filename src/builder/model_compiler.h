#pragma once
// One model, one target: optimised graphs, plans, and engines in memory, all with the same tuner and timing cache.
#include "builder/build_engine.h"
#include "compile/compile.h"
#include "passes/pipeline.h"

namespace burnish {

class ModelCompiler {
 public:
  /// The arguments must outlive the compiler. Reads the timing cache.
  ModelCompiler(const Graph& model, const BuildSettings& settings, const Target& target);
  ModelCompiler(const ModelCompiler&) = delete;
  ModelCompiler& operator=(const ModelCompiler&) = delete;

  struct Optimised {
    Graph graph;
    PipelineReport report;
  };
  /// The model for one profile after all passes, in FP32; to_be_lowered: for lower().
  Optimised optimise(const OptimizationProfile& profile, bool channels_last, bool to_be_lowered) const;
  /// Stores values as the plan says; the report goes on counting.
  Optimised lower(Optimised optimised, const PrecisionPlan& plan) const;
  /// Lays the packed weights into blobs. Reports the stages "tune" and "pack".
  Plan compile(const Graph& graph, const OptimizationProfile& profile, BlobStore& blobs);
  /// An engine of these plans for the target, without metadata.
  EngineData engine_of(std::vector<Plan> plans, BlobStore blobs) const;

  const Graph& model() const { return model_; }
  const BuildOptions& options() const { return settings_.options; }
  const Reporter& reporter() const { return settings_.reporter; }
  /// While a Quiet lives, compiling reports no progress: it is one of many trials that are counted themselves.
  class Quiet {
   public:
    explicit Quiet(ModelCompiler& compiler) : compiler_(compiler) { ++compiler_.num_quiet_; }
    ~Quiet() { --compiler_.num_quiet_; }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

   private:
    ModelCompiler& compiler_;
  };
  const Target& target() const { return target_; }
  int num_timed() const { return tuner_.num_timed(); }
  /// Writes the timing cache, if there is one and it has changed.
  void save_cache();

 private:
  PipelineOptions pipeline_options(const PrecisionPlan* precision) const;
  const Reporter& stage_reporter() const { return num_quiet_ > 0 ? messages_only_ : settings_.reporter; }

  const Graph& model_;
  const BuildSettings& settings_;
  const Target& target_;
  TimingCache cache_;
  Tuner tuner_;
  Reporter messages_only_;
  int num_quiet_ = 0;
};

}  // namespace burnish
