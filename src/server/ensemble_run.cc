#include "server/ensemble_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "server/gpu_copy.h"
#include "server/instance.h"

namespace burnish::server {

EnsembleRun::EnsembleRun(std::shared_ptr<const EnsemblePlan> plan, InferRequest request, ResponseCallback done)
    : kept_plan_(std::move(plan)),
      plan_(*kept_plan_),
      request_(std::move(request)),
      done_(std::move(done)),
      values_(plan_.tensors.size()),
      started_(plan_.steps.size()),
      unfinished_(plan_.steps.size()) {
  for (const EnsemblePlan::Step& step : plan_.steps) missing_.push_back(step.inputs.size());
}

void EnsembleRun::start(const FindServable& find) {
  Status status = bind_models(find);
  if (status.ok()) status = bind_outputs();
  if (status.ok()) status = bind_inputs();
  if (!status.ok()) return finish(std::move(status));
  for (const size_t step : take_ready_steps()) launch(step);
}

Status EnsembleRun::bind_models(const FindServable& find) {
  for (const EnsemblePlan::Step& step : plan_.steps) {
    models_.push_back(find(step.model, step.version));
    if (models_.back() != nullptr) continue;
    return {StatusCode::kUnavailable, fmt::format("step {}: model '{}' is not ready", models_.size() - 1, step.model)};
  }
  return {};
}

Status EnsembleRun::bind_outputs() {
  if (request_.outputs.empty()) {
    for (const size_t t : plan_.outputs) request_.outputs.push_back({.name = plan_.tensors[t].name});
    return {};
  }
  for (const RequestedOutput& output : request_.outputs) {
    const auto found =
        std::ranges::find_if(plan_.outputs, [&](size_t t) { return plan_.tensors[t].name == output.name; });
    if (found == plan_.outputs.end()) {
      return {StatusCode::kInvalidArgument, fmt::format("output '{}': the pipeline has no such output", output.name)};
    }
    const EnsemblePlan::Tensor& tensor = plan_.tensors[*found];
    if (output.num_classes > 0 && !tensor.consumers.empty()) {
      return {StatusCode::kUnsupported,
              fmt::format("output '{}': classes of a tensor that a later step takes; ask for the tensor", output.name)};
    }
  }
  return {};
}

Status EnsembleRun::bind_inputs() {
  for (InputTensor& input : request_.inputs) {
    const auto found =
        std::ranges::find_if(plan_.inputs, [&](size_t t) { return plan_.tensors[t].name == input.name; });
    if (found == plan_.inputs.end()) {
      return {StatusCode::kInvalidArgument, fmt::format("input '{}': the pipeline has no such input", input.name)};
    }
    std::optional<OutputTensor>& value = values_[*found];
    if (value) return {StatusCode::kInvalidArgument, fmt::format("input '{}' stands twice", input.name)};
    value.emplace();
    value->dtype = input.dtype;
    value->shape = std::move(input.shape);
    value->data = std::move(input.data);
    for (const size_t step : plan_.tensors[*found].consumers) --missing_[step];
  }
  for (const size_t t : plan_.inputs) {
    if (values_[t]) continue;
    return {StatusCode::kInvalidArgument, fmt::format("input '{}' is missing", plan_.tensors[t].name)};
  }
  return {};
}

std::vector<size_t> EnsembleRun::take_ready_steps() {
  std::vector<size_t> ready;
  const std::lock_guard lock(mutex_);
  for (size_t step = 0; step < plan_.steps.size() && !is_finished_; ++step) {
    if (started_[step] || missing_[step] > 0) continue;
    started_[step] = true;
    ready.push_back(step);
  }
  return ready;
}

void EnsembleRun::launch(size_t step) {
  models_[step]->submit(step_request(step), [self = shared_from_this(), step](InferResponse&& response) {
    self->on_response(step, std::move(response));
  });
}

InferRequest EnsembleRun::step_request(size_t step) {
  InferRequest request;
  request.model = plan_.steps[step].model;
  request.id = request_.id;
  request.priority = request_.priority;
  request.timeout_us = request_.timeout_us;
  request.sequence = request_.sequence;
  request.received = request_.received;
  request.deadline = request_.deadline;
  request.cancelled = request_.cancelled;
  request.trace_id = request_.trace_id;
  const std::lock_guard lock(mutex_);
  for (const EnsemblePlan::Port& port : plan_.steps[step].inputs) {
    const OutputTensor& value = *values_[port.tensor];
    request.inputs.push_back({port.name, value.dtype, value.shape, value.data});
  }
  for (const EnsemblePlan::Port& port : plan_.steps[step].outputs) {
    const bool is_wanted = wanted_output(port.tensor) != nullptr;
    if (is_wanted || !plan_.tensors[port.tensor].consumers.empty()) request.outputs.push_back(step_output(port));
  }
  return request;
}

/// What nobody else takes, the step writes where the client wants it.
RequestedOutput EnsembleRun::step_output(const EnsemblePlan::Port& port) const {
  RequestedOutput output;
  const RequestedOutput* wanted = wanted_output(port.tensor);
  if (wanted != nullptr && plan_.tensors[port.tensor].consumers.empty()) output = *wanted;
  output.name = port.name;
  return output;
}

const RequestedOutput* EnsembleRun::wanted_output(size_t tensor) const {
  const auto found = std::ranges::find(request_.outputs, plan_.tensors[tensor].name, &RequestedOutput::name);
  return found == request_.outputs.end() ? nullptr : &*found;
}

void EnsembleRun::on_response(size_t step, InferResponse&& response) {
  if (!response.status.ok()) {
    Status status = std::move(response.status);
    status.message = fmt::format("step {} (model '{}'): {}", step, plan_.steps[step].model, status.message);
    return finish(std::move(status));
  }
  bool is_last = false;
  {
    const std::lock_guard lock(mutex_);
    store(step, response);
    is_last = --unfinished_ == 0;
  }
  if (is_last) return finish({});
  for (const size_t next : take_ready_steps()) launch(next);
}

void EnsembleRun::store(size_t step, InferResponse& response) {
  timing_.queue_ns += response.timing.queue_ns;
  timing_.input_ns += response.timing.input_ns;
  timing_.infer_ns += response.timing.infer_ns;
  timing_.output_ns += response.timing.output_ns;
  for (const EnsemblePlan::Port& port : plan_.steps[step].outputs) {
    const auto found = std::ranges::find(response.outputs, port.name, &OutputTensor::name);
    if (found == response.outputs.end()) continue;
    values_[port.tensor] = std::move(*found);
    for (const size_t consumer : plan_.tensors[port.tensor].consumers) --missing_[consumer];
  }
}

void EnsembleRun::finish(Status status) {
  InferResponse response;
  {
    const std::lock_guard lock(mutex_);
    if (is_finished_) return;
    is_finished_ = true;
    response.status = std::move(status);
    response.id = request_.id;
    response.timing = timing_;
    try {
      for (const RequestedOutput& wanted : request_.outputs) {
        if (!response.status.ok()) break;
        response.outputs.push_back(take_output(wanted));
      }
    } catch (const Error& error) {  // a GPU's memory that cannot be written
      response.status = status_of(error);
    }
  }
  for (const OutputTensor& output : response.outputs) {
    const auto wanted = std::ranges::find(request_.outputs, output.name, &RequestedOutput::name);
    if (wanted->target.data == nullptr || output.shared_bytes > 0 || output.data.size <= wanted->capacity) continue;
    response.status = {StatusCode::kInvalidArgument,
                       fmt::format("output '{}' has {} bytes, its shared memory region only {}", output.name,
                                   output.data.size, wanted->capacity)};
    break;
  }
  if (!response.status.ok()) response.outputs.clear();
  ResponseCallback done = std::move(done_);
  done(std::move(response));
}

OutputTensor EnsembleRun::take_output(const RequestedOutput& wanted) {
  const auto found = std::ranges::find(plan_.tensors, wanted.name, &EnsemblePlan::Tensor::name);
  OutputTensor output = *values_[static_cast<size_t>(found - plan_.tensors.begin())];
  output.name = wanted.name;
  output.binary = wanted.binary;
  const bool is_written = wanted.target.data == nullptr || output.shared_bytes > 0;
  if (!is_written && output.data.size <= wanted.capacity) {
    write_to(wanted.target, output.data);
    output.shared_bytes = output.data.size;
    output.data = {};
  }
  return output;
}

}  // namespace burnish::server
