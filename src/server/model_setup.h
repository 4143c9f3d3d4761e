#pragma once
// What a version is made of, from its configuration and its engine.
#include <string>
#include <vector>

#include "server/model_config.h"
#include "server/scheduler.h"
#include "server/signature.h"

namespace burnish::server {

/// Fills in what the configuration leaves open and checks the rest against the engine. Throws kInvalidArgument naming
/// the field, what it says and what the engine has. is_quick: an execution on one thread takes less than a millisecond.
ModelConfig complete_config(ModelConfig config, const Signature& signature, bool is_quick);

/// The GPUs that the instance groups name; 0 where they name none.
std::vector<int> devices_of(const ModelConfig& config);

/// "TYPE_FP32"
std::string config_type(DataType dtype);

/// folder/name. Throws kInvalidArgument for a name that could lead out of the folder, as configurations also come over
/// the network, and for an empty folder.
std::string path_below(const std::string& folder, const std::string& name);

/// One entry an instance, for completed configurations. On GPUs a group's count is that of each GPU.
std::vector<InstanceSettings> instance_settings(const ModelConfig& config);

/// The labels of every output. model_folder: where their files are.
std::vector<std::vector<std::string>> labels_of(const ModelConfig& config, const Signature& signature,
                                                const std::string& model_folder);

}  // namespace burnish::server
