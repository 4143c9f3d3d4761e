#pragma once
// The rest of a plan from the first step whose output shape depends on data: shapes are inferred, kernels prepared and
// memory allocated while executing.
#include <functional>
#include <memory>
#include <vector>

#include "engine/engine_data.h"
#include "runtime/session.h"
#include "runtime/specialization.h"

namespace burnish {

class LateSteps {
 public:
  LateSteps(const EngineData& data, const Specialization& specialization, const Target& target, TacticLookup find);
  /// Runs the steps on the memory that the specialisation is bound to. Throws with the frame "step NAME (OP)".
  void run(ThreadPool& pool, const StepObserver* observer);
  /// A value made by run(); undefined for others.
  const Tensor& value(PlanValueId id) const { return values_[static_cast<size_t>(id)]; }

 private:
  /// A kernel is kept for the shapes it was prepared for last.
  struct Prepared {
    Problem problem;
    std::unique_ptr<Kernel> kernel;
  };
  void run_step(size_t s, ThreadPool& pool, StepCost* cost);
  void run_reference(const PlanStep& step);
  void run_kernel(size_t s, const Tactic& tactic, ThreadPool& pool, StepCost* cost);
  const Kernel& prepare(size_t s, const Tactic& tactic, Problem& problem);
  Problem pose(const PlanStep& step, const std::vector<Tensor>& inputs) const;
  std::vector<Tensor> read_all(const PlanStep& step) const;
  Tensor read(PlanValueId id) const;
  void keep(PlanValueId id, Tensor tensor);
  void release_after(size_t s);

  const EngineData& data_;
  const Specialization& base_;
  const Plan& plan_;
  const Target& target_;
  TacticLookup find_;
  std::vector<Tensor> values_;      // by value: made in this execution and still needed
  std::vector<size_t> last_read_;   // by value: step, or the number of steps for outputs
  std::vector<Prepared> prepared_;  // by step, from the first late one on
  std::shared_ptr<void> scratch_;
  size_t scratch_bytes_ = 0;
};

}  // namespace burnish
