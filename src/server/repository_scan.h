#pragma once
// What lies on disk: REPOSITORY/<model>/{config.json,config.pbtxt},
// REPOSITORY/<model>/<version>/{model.engine,model.onnx}.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/model_config.h"

namespace burnish::server {

struct VersionFolder {
  int64_t number = 0;
  std::string path;
  std::string signature;  ///< Another one once a file in it was added, removed or changed.
};

struct ModelFolder {
  std::string name, path;
  std::vector<VersionFolder> versions;  ///< Ascending.
  std::string config_file;              ///< Empty: there is none.
  std::string config_signature;
};

/// Folders whose names no model may have, and files, are left out; skipped gains a line for each such folder. A model
/// that stands below several roots is taken from the first. Throws kIo when a root cannot be read.
std::vector<ModelFolder> scan_repository(const std::vector<std::string>& roots, std::vector<std::string>& skipped);
/// One model; nullopt when no root has it. The name must have been checked.
std::optional<ModelFolder> scan_model(const std::vector<std::string>& roots, const std::string& name);

/// From override_json where that is not empty, else from the folder's file, else the defaults. The name is the
/// folder's; throws when the configuration says another. notes: see parse_config_json().
ModelConfig read_config(const ModelFolder& folder, const std::string& override_json, std::vector<std::string>* notes);

}  // namespace burnish::server
