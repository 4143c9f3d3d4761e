#include <burnish/engine.h>

#include <cstring>

#include "base/error.h"
#include "builder/build_engine.h"
#include "engine/engine_file.h"
#include "node/compare.h"
#include "node/run_case.h"

namespace burnish::node_test {
namespace {

DataType data_type_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return DataType::kFloat32;
    case DType::kFloat64:
      return DataType::kFloat64;
    case DType::kFloat16:
      return DataType::kFloat16;
    case DType::kBFloat16:
      return DataType::kBFloat16;
    case DType::kInt8:
      return DataType::kInt8;
    case DType::kInt16:
      return DataType::kInt16;
    case DType::kInt32:
      return DataType::kInt32;
    case DType::kInt64:
      return DataType::kInt64;
    case DType::kUInt8:
      return DataType::kUInt8;
    case DType::kUInt16:
      return DataType::kUInt16;
    case DType::kUInt32:
      return DataType::kUInt32;
    case DType::kUInt64:
      return DataType::kUInt64;
    case DType::kBool:
      return DataType::kBool;
    default:
      return DataType::kOther;
  }
}

Engine build(const NodeCase& node_case) {
  BuildSettings settings;
  settings.options.opt_level = 1;
  settings.options.num_threads = 1;
  const BuiltEngine built = build_engine(node_case.model_path(), settings);
  return Engine::deserialize(serialize_engine(built.data));
}

Tensor output_of(const ExecutionContext& context, const BindingInfo& info, DType dtype) {
  check(info.dtype == data_type_of(dtype), ErrorCode::kInternal, "output '{}' is not of type {}", info.name,
        name_of(dtype));
  const auto dims = context.output_shape(info.name);
  Tensor tensor(dtype, Shape(dims));
  if (tensor.num_bytes() > 0) std::memcpy(tensor.data(), context.output(info.name), tensor.num_bytes());
  return tensor;
}

}  // namespace

std::string run_engine(const NodeCase& node_case) {
  const Engine engine = build(node_case);
  ExecutionContext context = engine.create_context(1);
  for (int k = 0; k < node_case.num_data_sets; ++k) {
    const auto inputs = load_values(node_case, k, "input", engine.inputs().size());
    const auto expected = load_values(node_case, k, "output", engine.outputs().size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].defined()) continue;
      const std::string& name = engine.inputs()[i].name;
      context.set_input_shape(name, inputs[i].shape().dims());
      context.set_input(name, inputs[i].data());
    }
    context.execute();
    for (size_t i = 0; i < expected.size(); ++i) {
      if (!expected[i].defined()) continue;
      const BindingInfo& info = engine.outputs()[i];
      const Tensor actual = output_of(context, info, expected[i].dtype());
      const std::string wrong = difference(actual, expected[i], node_case.rtol, node_case.atol);
      if (!wrong.empty()) return fmt::format("output '{}': {}", info.name, wrong);
    }
  }
  return "";
}

}  // namespace burnish::node_test
