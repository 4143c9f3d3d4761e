#pragma once
// Engines of models that come as ONNX: built when first loaded, kept in a folder, found again by content.
#include <functional>
#include <string>

#include "server/model_config.h"
#include "server/repository_scan.h"

namespace burnish::server {

/// Builds `engine` from `onnx` as the configuration says. Throws. The program supplies it: a server without a builder
/// serves engines only.
using BuildEngine = std::function<void(const std::string& onnx, const std::string& engine, const ModelConfig& config)>;

/// One item's profile, "image=1x3x224x224:8x…:32x…", of a configuration that says shapes and max_batch_size; empty when
/// a dimension is left open.
std::string build_profile_of(const ModelConfig& config);

class EngineCache {
 public:
  /// salt: what else engines depend on: the builder's version and the machine. folder is made when first needed.
  EngineCache(std::string folder, std::string salt, BuildEngine build);

  /// The engine of a version: its own file, or the one built from its model. Throws naming the folder, what was looked
  /// for and the next step.
  std::string engine_of(const VersionFolder& version, const ModelConfig& config) const;

  /// Removes a file of the cache; false for others, which are left alone.
  bool discard(const std::string& engine) const;

 private:
  std::string built(const VersionFolder& version, const std::string& onnx, const ModelConfig& config) const;
  std::string folder_, salt_;
  BuildEngine build_;
};

}  // namespace burnish::server
