#pragma once
// The plan: what an engine does, step by step, for one optimisation profile. Plain data, no pointers to kernels.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "ops/attributes.h"
#include "ops/dim.h"

namespace burnish {

/// Index into Plan::values. kAbsent stands for an optional input or output that is not there.
using PlanValueId = int32_t;
inline constexpr PlanValueId kAbsent = -1;

enum class ValueKind : uint8_t { kInput, kConstant, kIntermediate };

/// How an intermediate value gets its memory.
enum class Storage : uint8_t {
  kOwn,    ///< A place of its own in the arena.
  kAlias,  ///< The memory of `root` as it is: views, and outputs computed in place.
  kSlice,  ///< Columns of `root`'s rows: a concat along the last axis whose input is written where it belongs. The
           ///< offset is the sum of the row lengths of the concat's inputs before `slice_position`.
};

struct PlanValue {
  std::string name;
  DType dtype = DType::kUndefined;
  bool has_shape = true;  ///< False when even the rank depends on data.
  SymShape shape;
  ValueKind kind = ValueKind::kIntermediate;
  int32_t blob = -1;  ///< Constants: index into EngineData::blobs. -1 when packed away.
  Storage storage = Storage::kOwn;
  PlanValueId root = kAbsent;   ///< For kAlias and kSlice.
  int32_t slice_step = -1;      ///< For kSlice: the concat step…
  int32_t slice_position = -1;  ///< …and which of its inputs this is.
};

enum class StepKind : uint8_t {
  kKernel,  ///< Runs its tactic.
  kView,    ///< Nothing to do while executing: the output aliases input 0.
  kShape,   ///< Evaluated by the reference when input shapes are set: depends on shapes and constants only.
};

struct PlanStep {
  StepKind kind = StepKind::kKernel;
  std::string op;
  std::string name;  ///< Names of the model's nodes it stands for, joined by " + ".
  AttributeMap attrs;
  std::vector<PlanValueId> inputs;
  std::vector<PlanValueId> outputs;
  std::string tactic;  ///< Empty unless kKernel.
  int32_t tactic_version = 0;
  std::string config;
  std::vector<int32_t> packed;  ///< Blob indices, in the tactic's order.
  double predicted_us = 0;      ///< Measured by the tuner at the profile's opt shapes; 0 if not timed.
};

/// A public input or output.
struct Binding {
  std::string name;
  PlanValueId value = kAbsent;
};

/// min / opt / max of every input's shape, by input name.
struct ProfileShapes {
  Shape min, opt, max;
};
struct OptimizationProfile {
  std::map<std::string, ProfileShapes, std::less<>> inputs;
};

struct Plan {
  OptimizationProfile profile;
  std::vector<PlanValue> values;
  std::vector<PlanStep> steps;  ///< In execution order.
  std::vector<Binding> inputs;
  std::vector<Binding> outputs;
  int64_t predicted_arena_bytes = 0;  ///< At the profile's max shapes.
  double predicted_us = 0;
};

}  // namespace burnish
