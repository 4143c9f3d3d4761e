#pragma once
// A plan made ready for one choice of input shapes: kernels prepared, memory laid out.
#include <memory>
#include <span>
#include <vector>

#include "engine/engine_data.h"
#include "runtime/concat_copy.h"
#include "runtime/memory_layout.h"
#include "runtime/step_cost.h"

namespace burnish {

using TacticLookup = const Tactic* (*)(std::string_view name);

/// One step to be executed, with the pointers of the latest bind().
struct StepRun {
  size_t step = 0;                 ///< Index into Plan::steps.
  std::unique_ptr<Kernel> kernel;  ///< Null for a concat that only copies.
  std::optional<ConcatCopy> concat;
  StepCost cost;
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  void* scratch = nullptr;
  uint32_t* flags = nullptr;

  void run(ThreadPool& pool, void* stream) const;
};

/// Memory to bind to. outputs: the caller's memory to write into directly, or null.
struct MemoryBases {
  std::byte* arena = nullptr;
  std::span<const void* const> inputs;
  std::span<void* const> outputs;
  uint32_t* flags = nullptr;  ///< KernelArgs::flags of all steps.
};

class Specialization {
 public:
  /// Prepares everything up to the first step that has to wait for data. Throws with the frame "step NAME (OP)".
  Specialization(const EngineData& data, const Plan& plan, const Target& target, TacticLookup find,
                 std::vector<Shape> input_shapes);

  const Plan& plan() const { return plan_; }
  const std::vector<Shape>& input_shapes() const { return input_shapes_; }
  const ResolvedShapes& resolved() const { return resolved_; }
  const MemoryLayout& layout() const { return layout_; }
  int64_t arena_bytes() const { return layout_.arena_bytes; }
  std::span<const StepRun> runs() const { return runs_; }
  /// One of runs(); an error gains the frame "step NAME (OP)".
  void run_step(const StepRun& run, ThreadPool& pool, void* stream) const;
  bool is_late() const { return resolved_.first_late_step < plan_.steps.size(); }
  /// True when a step or an output reads the elements of input i.
  bool reads_input(size_t i) const { return reads_input_[i]; }
  /// Bytes of input i at these shapes.
  int64_t input_bytes(size_t i) const;

  /// Whether output i may be computed in memory of the caller, so that nothing has to be copied.
  bool can_write_directly(size_t i) const { return direct_[i]; }
  /// Sets all pointers; allocates nothing.
  void bind(const MemoryBases& bases);
  /// The value's memory as bound; null for values in Region::kNowhere and kLate.
  std::byte* pointer(PlanValueId id) const;

 private:
  void prepare_steps(const EngineData& data, const Target& target, TacticLookup find);
  void find_free_dims(const EngineData& data);
  void find_direct_outputs();
  void find_read_inputs();
  void upload_constants(const EngineData& data, const Target& target);

  const Plan& plan_;
  std::vector<Shape> input_shapes_;
  ResolvedShapes resolved_;
  MemoryLayout layout_;
  std::vector<uint32_t> free_dims_;  // by value; empty on CPUs
  std::vector<StepRun> runs_;
  std::vector<bool> reads_input_;          // by input
  std::vector<bool> direct_;               // by output
  std::vector<const void*> constants_;     // by value: where kernels find it
  std::shared_ptr<void> uploaded_;         // what a GPU needs of them besides the engine's blobs
  std::vector<std::byte*> root_pointers_;  // by root
};

}  // namespace burnish
