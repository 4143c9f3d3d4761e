#pragma once
// Conducts a build: import → passes → compile, for every profile, into an engine in memory.
#include <burnish/builder.h>

#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.h"
#include "engine/engine_data.h"
#include "ir/graph.h"

namespace burnish {

/// What the internal callers (command line, tests) can say beyond the public options.
struct BuildSettings {
  BuildOptions options;
  Reporter reporter;  ///< Used instead of options.log and options.progress.
  /// May change the graph after import, before any pass (`compare --per-layer` adds outputs).
  std::function<void(Graph&)> after_import;
};

struct BuiltEngine {
  EngineData data;
  BuildReport report;  ///< seconds and engine_bytes are still 0.
};

/// The reporter that forwards to options.log and options.progress.
Reporter reporter_of(const BuildOptions& options);

/// A file, or bytes in memory.
using ModelSource = std::variant<std::string, ModelBytes>;

/// Throws Error with frames. Reads and writes the timing cache, no other file besides the model.
BuiltEngine build_engine(const ModelSource& model, const BuildSettings& settings);

/// Engines for all targets that settings.options.target names, in its order; the report is the first one's, with
/// seconds.
std::pair<std::vector<EngineData>, BuildReport> build_engines(const ModelSource& model, const BuildSettings& settings);
/// The bytes of a file with these engines, and the file, which is written atomically.
std::vector<std::byte> serialize_engines(std::span<const EngineData> engines);
void write_engines(std::span<const EngineData> engines, const std::string& path);

/// build_engines() written to a file, checked options, seconds and bytes reported.
BuildReport build_to_file(const ModelSource& model, const std::string& engine_path, const BuildSettings& settings);

}  // namespace burnish
