#pragma once
// Tactics for the tests of the runtime: strided, in place, packed, failing. Found before the real ones.
#include <burnish/engine.h>

#include "engine/engine_data.h"
#include "kernels/tactic.h"

namespace burnish::testing {

/// "test.rows": Add, Mul and Relu on FLOAT tensors of equal shapes, rows apart or in place, without allocating; absorbs
/// a constant second input. "test.throws": Relu that always fails. "test.new": version 2 of something. Else
/// find_tactic.
const Tactic* find_test_tactic(std::string_view name);

/// An engine of these data that finds the tactics above.
Engine make_engine(EngineData data);

/// Sets shape and data, executes, returns the output's elements.
std::vector<float> run_one(ExecutionContext& context, const std::string& input, const std::vector<int64_t>& shape,
                           const std::vector<float>& data, const std::string& output);
/// The output's elements as they are now.
std::vector<float> floats_of(const ExecutionContext& context, const std::string& output);

}  // namespace burnish::testing
