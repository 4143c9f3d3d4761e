#pragma once
// Graph → plan: order, tactics, memory, packed weights, for one optimisation profile.
#include "compile/pack.h"
#include "compile/tuner.h"
#include "engine/plan.h"
#include "ir/graph.h"

namespace burnish {

/// What the plans of one engine share.
struct CompileSession {
  const Target& target;
  Tuner& tuner;
  BlobStore& blobs;
  const Reporter& reporter;
};

/// The graph's types must be inferred and the profile complete and consistent with its inputs. Deterministic: the same
/// graph, profile, target and timing cache give the same plan and blobs. Throws with the frame of the node at fault.
Plan compile_plan(const Graph& graph, const OptimizationProfile& profile, CompileSession& session);

}  // namespace burnish
