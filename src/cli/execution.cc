#include "cli/execution.h"

#include <algorithm>

#include "base/error.h"

namespace burnish::cli {

void bind_inputs(ExecutionContext& context, const std::map<std::string, Tensor>& inputs) {
  for (const auto& [name, tensor] : inputs) {
    context.set_input_shape(name, tensor.shape().dims());
    context.set_input(name, tensor.data());
  }
}

Tensor copy_output(const ExecutionContext& context, const BindingInfo& output) {
  const Shape shape(context.output_shape(output.name));
  Tensor tensor(to_dtype(output.dtype), shape);
  if (tensor.num_bytes() > 0) std::memcpy(tensor.data(), context.output(output.name), tensor.num_bytes());
  return tensor;
}

DType to_dtype(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return DType::kFloat32;
    case DataType::kFloat64:
      return DType::kFloat64;
    case DataType::kFloat16:
      return DType::kFloat16;
    case DataType::kBFloat16:
      return DType::kBFloat16;
    case DataType::kInt8:
      return DType::kInt8;
    case DataType::kInt16:
      return DType::kInt16;
    case DataType::kInt32:
      return DType::kInt32;
    case DataType::kInt64:
      return DType::kInt64;
    case DataType::kUInt8:
      return DType::kUInt8;
    case DataType::kUInt16:
      return DType::kUInt16;
    case DataType::kUInt32:
      return DType::kUInt32;
    case DataType::kUInt64:
      return DType::kUInt64;
    case DataType::kBool:
      return DType::kBool;
    case DataType::kOther:
      break;
  }
  throw_error(ErrorCode::kUnsupported, "an output has an element type that has no file form");
}

std::string file_name_of(const std::string& name) {
  std::string file = name;
  std::replace_if(
      file.begin(), file.end(), [](char c) { return c == '/' || c == '\\' || c == '\0'; }, '_');
  return file.empty() || file == "." || file == ".." ? "_" : file;
}

}  // namespace burnish::cli
