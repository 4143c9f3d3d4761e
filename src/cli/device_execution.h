#pragma once
// Executions whose inputs and outputs stay on a GPU, timed by its own clock.
#include <burnish/engine.h>

#include <map>
#include <memory>
#include <string>

#include "base/tensor.h"

namespace burnish::cli {

class DeviceExecution {
 public:
  /// Copies the inputs to the engine's GPU and binds them, and memory for the outputs, to the context. Throws
  /// kInvalidArgument for engines that are for no GPU.
  DeviceExecution(const Engine& engine, ExecutionContext& context, const std::map<std::string, Tensor>& inputs);
  ~DeviceExecution();
  DeviceExecution(DeviceExecution&&) noexcept;
  DeviceExecution& operator=(DeviceExecution&&) = delete;
  /// Executes once and waits; milliseconds between events around it.
  double execute_ms(ExecutionContext& context);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace burnish::cli
