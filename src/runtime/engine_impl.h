#pragma once
// What an Engine holds: the mapped file, read once and shared by all contexts.
#include <burnish/engine.h>

#include <exception>
#include <vector>

#include "engine/engine_data.h"
#include "kernels/target.h"
#include "runtime/specialization.h"

namespace burnish {

struct Engine::Impl {
  /// Throws kMismatch unless the engine can run on this machine. find: where kernels come from (tests bring their own).
  /// device: which GPU, for engines that were built for one.
  explicit Impl(EngineData engine_data, TacticLookup find = &find_tactic, int device = 0);
  /// An engine for another machine: to be looked at and written. why_not_here is what making a context throws.
  Impl(EngineData engine_data, std::exception_ptr why_not_here);

  EngineData data;
  TacticLookup find;
  Target target;  ///< This machine, limited to the instruction set that the engine was built for.
  std::vector<BindingInfo> inputs;
  std::vector<BindingInfo> outputs;
  size_t weight_bytes = 0;
  std::shared_ptr<void> device_blobs;  ///< The blobs in a GPU's memory.
  std::exception_ptr why_not_here;     ///< Null where this machine can run the engine.

 private:
  void describe_bindings();
  void upload_blobs();
};

DataType public_type_of(DType dtype);
DType dtype_of(DataType type);

}  // namespace burnish
