#include "cli/device_execution.h"

#include <vector>

#include "kernels/cuda/launch.h"
#include "runtime/engine_impl.h"

namespace burnish::cli {
namespace {

const cuda::Device& device_of(const Engine& engine) {
  check(engine.impl()->target.is_cuda(), ErrorCode::kInvalidArgument,
        "--memory device needs an engine for a GPU; this one is for {}", engine.impl()->target.kind);
  return cuda::device_of(engine.impl()->target);
}

}  // namespace

struct DeviceExecution::Impl {
  explicit Impl(const cuda::Device& device) : stream(device), begin(device), end(device) {}
  cuda::Stream stream;
  cuda::Event begin, end;
  std::vector<std::shared_ptr<void>> memory;
};

DeviceExecution::DeviceExecution(const Engine& engine, ExecutionContext& context,
                                 const std::map<std::string, Tensor>& inputs)
    : impl_(std::make_unique<Impl>(device_of(engine))) {
  const cuda::Device& device = device_of(engine);
  for (const auto& [name, tensor] : inputs) {
    impl_->memory.push_back(device.allocate(tensor.num_bytes()));
    cuda::copy_to_device(impl_->memory.back().get(), tensor.data(), tensor.num_bytes(), impl_->stream.handle());
    context.set_input_shape(name, tensor.shape().dims());
    context.set_input(name, impl_->memory.back().get());
  }
  impl_->stream.synchronize();
  context.prepare();
  for (const BindingInfo& output : engine.outputs()) {
    const size_t bytes = context.output_bytes(output.name);
    impl_->memory.push_back(device.allocate(bytes));
    context.set_output(output.name, impl_->memory.back().get(), bytes);
  }
}

DeviceExecution::~DeviceExecution() = default;
DeviceExecution::DeviceExecution(DeviceExecution&&) noexcept = default;

double DeviceExecution::execute_ms(ExecutionContext& context) {
  impl_->begin.record(impl_->stream.handle());
  context.enqueue(impl_->stream.handle());
  impl_->end.record(impl_->stream.handle());
  impl_->end.synchronize();
  return impl_->end.us_since(impl_->begin) / 1e3;
}

}  // namespace burnish::cli
