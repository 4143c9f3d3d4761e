#pragma once
// Executions before the first request, so that it finds memory, kernels and measured times.
#include <string>
#include <vector>

#include "server/model_config.h"
#include "server/pending_request.h"
#include "server/signature.h"

namespace burnish::server {

/// The samples of the configuration, else one item of zeros at the first profile's optimum. Throws for samples that do
/// not fit the model and files that do not fit their sample.
std::vector<Batch> warm_up_batches(const ModelConfig& config, const Signature& signature,
                                   const std::string& model_folder);

}  // namespace burnish::server
