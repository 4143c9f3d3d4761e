#include "cli/execution.h"

#include <algorithm>

#include "runtime/engine_impl.h"

namespace burnish::cli {

void bind_inputs(ExecutionContext& context, const std::map<std::string, Tensor>& inputs) {
  for (const auto& [name, tensor] : inputs) {
    context.set_input_shape(name, tensor.shape().dims());
    context.set_input(name, tensor.data());
  }
}

Tensor copy_output(const ExecutionContext& context, const BindingInfo& output) {
  const Shape shape(context.output_shape(output.name));
  Tensor tensor(dtype_of(output.dtype), shape);
  if (tensor.num_bytes() > 0) std::memcpy(tensor.data(), context.output(output.name), tensor.num_bytes());
  return tensor;
}

std::string file_name_of(const std::string& name) {
  std::string file = name;
  std::replace_if(
      file.begin(), file.end(), [](char c) { return c == '/' || c == '\\' || c == '\0'; }, '_');
  return file.empty() || file == "." || file == ".." ? "_" : file;
}

}  // namespace burnish::cli
