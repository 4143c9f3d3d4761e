#pragma once
// What a configuration leaves open is taken from the engine; what it says must agree with it.
#include <burnish/engine.h>

#include <string_view>

#include "server/model_config.h"

namespace burnish::server {

/// Letters, digits, '_', '-', '.' and not a dot first: names become folders, URLs and labels of metrics.
bool is_model_name(std::string_view name);
/// Throws kInvalidArgument naming the rule.
void check_model_name(std::string_view name);

/// Triton's name of an element type ("TYPE_FP32"), empty for those that no protocol carries.
std::string triton_name(DataType dtype);

/// Fills max_batch_size, inputs and outputs. Throws kMismatch, naming the field, where they contradict the engine.
void complete_config(ModelConfig& config, const Engine& engine);

/// The largest first dimension that a profile allows; 0 unless the first dimension of every input and output is free.
int max_batch_of(const Engine& engine);

/// One item's profile, "image=1x3x224x224:8x…:32x…", of a configuration that says shapes and max_batch_size; empty when
/// a dimension is left open.
std::string build_profile_of(const ModelConfig& config);

}  // namespace burnish::server
