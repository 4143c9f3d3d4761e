#include <burnish/engine.h>

#include <cstring>

#include "base/error.h"
#include "builder/build_engine.h"
#include "engine/engine_file.h"
#include "node/compare.h"
#include "node/run_case.h"
#include "runtime/engine_impl.h"

namespace burnish::node_test {
namespace {

Engine build(const NodeCase& node_case) {
  BuildSettings settings;
  settings.options.opt_level = 1;
  settings.options.num_threads = 1;
  const BuiltEngine built = build_engine(node_case.model_path(), settings);
  return Engine::deserialize(serialize_engine(built.data));
}

Tensor output_of(const ExecutionContext& context, const BindingInfo& info, DType dtype) {
  check(info.dtype == public_type_of(dtype), ErrorCode::kInternal, "output '{}' is not of type {}", info.name,
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
