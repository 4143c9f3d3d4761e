#pragma once
// What the commands share about running engines.
#include <burnish/engine.h>

#include <map>
#include <string>

#include "base/tensor.h"

namespace burnish::cli {

/// Sets shapes and data of all inputs; the tensors must outlive the executions.
void bind_inputs(ExecutionContext& context, const std::map<std::string, Tensor>& inputs);

/// A copy of one output after execute().
Tensor copy_output(const ExecutionContext& context, const BindingInfo& output);

/// A name as part of a file name: '/' and other separators become '_'.
std::string file_name_of(const std::string& name);

}  // namespace burnish::cli
