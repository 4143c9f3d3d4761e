#pragma once
// Engines for `burnish serve`, built from ONNX models as their configurations say.
#include <atomic>

#include "base/log.h"
#include "server/engine_cache.h"

namespace burnish::cli {

/// Reads the parameters profile, precision (fp32, bf16, fp16) and opt_level; else the configuration's shapes give the
/// profile. Threads to tune for are those of an instance. stop: once true, a build ends with an error.
server::BuildEngine engine_builder(const Reporter& reporter, const std::string& timing_cache,
                                   const std::atomic<bool>& stop);

/// What engines depend on beside their models: this program's version and this machine.
std::string engine_cache_salt();

}  // namespace burnish::cli
