#include "server/sequence_batcher.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "base/tensor.h"
#include "ops/elements.h"
#include "runtime/engine_impl.h"
#include "server/model_setup.h"

namespace burnish::server {
namespace {

const SequenceBatching::State* state_of_output(const SequenceBatching& config, const std::string& name) {
  const auto at = std::ranges::find(config.states, name, &SequenceBatching::State::output);
  return at == config.states.end() ? nullptr : &*at;
}

Bytes bytes_of(const Tensor& tensor) {
  return {tensor.as<const std::byte>(), tensor.num_bytes(), std::make_shared<Tensor>(tensor), false};
}

// A copy, as the answer of a whole batch would live as long as one sequence's state.
InputTensor copied(const std::string& name, const OutputTensor& output) {
  const Tensor copy(dtype_of(output.dtype), Shape(std::span(output.shape)));
  if (output.data.size > 0) std::memcpy(copy.data(), output.data.data, output.data.size);
  return {name, output.dtype, output.shape, bytes_of(copy)};
}

bool parse_number(const std::string& text, uint64_t& number) {
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, number).ptr == end) return true;
  int64_t negative = 0;
  const bool parsed = std::from_chars(text.data(), end, negative).ptr == end;
  number = static_cast<uint64_t>(negative);
  return parsed;
}

void check_control(const SequenceBatching::Control& control, const Signature& signature) {
  const TensorSpec* input = signature.find_input(control.input);
  check(input != nullptr, ErrorCode::kInvalidArgument, "sequence_batching: the engine has no control input '{}'",
        control.input);
  constexpr std::array<std::string_view, 4> kKinds = {"CONTROL_SEQUENCE_START", "CONTROL_SEQUENCE_END",
                                                      "CONTROL_SEQUENCE_READY", "CONTROL_SEQUENCE_CORRID"};
  check(std::ranges::find(kKinds, control.kind) != kKinds.end(), ErrorCode::kInvalidArgument,
        "sequence_batching: control input '{}' has the kind '{}', not one of {}", control.input, control.kind,
        fmt::join(kKinds, ", "));
  check(control.data_type.empty() || control.data_type == config_type(input->dtype), ErrorCode::kInvalidArgument,
        "sequence_batching: control input '{}' has the data_type {}, but the engine's is {}", control.input,
        control.data_type, config_type(input->dtype));
  check(control.false_true.empty() || control.false_true.size() == 2, ErrorCode::kInvalidArgument,
        "sequence_batching: control input '{}' needs two values for false and true, not {}", control.input,
        control.false_true.size());
}

void check_state(const SequenceBatching::State& state, const Signature& signature) {
  const TensorSpec* input = signature.find_input(state.input);
  const TensorSpec* output = signature.find_output(state.output);
  check(input != nullptr && output != nullptr, ErrorCode::kInvalidArgument,
        "sequence_batching: the engine has no {} '{}' for a state", input == nullptr ? "input" : "output",
        input == nullptr ? state.input : state.output);
  check(input->dtype == output->dtype, ErrorCode::kInvalidArgument,
        "sequence_batching: the state's input '{}' is {}, but its output '{}' is {}", state.input,
        config_type(input->dtype), state.output, config_type(output->dtype));
  check(state.data_type.empty() || state.data_type == config_type(input->dtype), ErrorCode::kInvalidArgument,
        "sequence_batching: the state '{}' has the data_type {}, but the engine's is {}", state.input, state.data_type,
        config_type(input->dtype));
}

}  // namespace

void check_sequences(const SequenceBatching& config, const Signature& signature) {
  for (const auto& control : config.controls) check_control(control, signature);
  for (const auto& state : config.states) check_state(state, signature);
}

SequenceBatcher::SequenceBatcher(const SequenceBatching& config, const Signature& signature, bool has_batch,
                                 SequenceLimits limits, Execute execute)
    : config_(config), signature_(signature), has_batch_(has_batch), limits_(limits), execute_(std::move(execute)) {}

bool SequenceBatcher::is_hidden_input(const std::string& name) const {
  return std::ranges::any_of(config_.controls, [&](const auto& c) { return c.input == name; }) ||
         std::ranges::any_of(config_.states, [&](const auto& s) { return s.input == name; });
}

bool SequenceBatcher::is_hidden_output(const std::string& name) const {
  return state_of_output(config_, name) != nullptr;
}

size_t SequenceBatcher::num_open() const {
  const std::lock_guard lock(mutex_);
  return sequences_.size();
}

Status SequenceBatcher::check(const InferRequest& request) const {
  if (request.sequence.id.empty()) {
    return {StatusCode::kInvalidArgument, "requests of this model need a sequence_id"};
  }
  for (const InputTensor& input : request.inputs) {
    if (is_hidden_input(input.name)) {
      return {StatusCode::kInvalidArgument,
              fmt::format("input '{}' is set by the server's sequence batcher, not by clients", input.name)};
    }
    const bool is_one = !has_batch_ || input.shape.empty() || input.shape[0] == 1;
    if (!is_one) {
      return {StatusCode::kInvalidArgument,
              fmt::format("input '{}' has {} items, but a sequence's request has one", input.name, input.shape[0])};
    }
  }
  for (const RequestedOutput& output : request.outputs) {
    const bool is_plain = output.num_classes == 0 && output.target.data == nullptr;
    if (is_plain || !is_hidden_output(output.name)) continue;
    return {StatusCode::kInvalidArgument,
            fmt::format("output '{}' is a sequence's state: neither as classes nor in shared memory", output.name)};
  }
  uint64_t number = 0;
  const bool needs_number =
      std::ranges::any_of(config_.controls, [](const auto& c) { return c.kind == "CONTROL_SEQUENCE_CORRID"; });
  if (needs_number && !parse_number(request.sequence.id, number)) {
    return {StatusCode::kInvalidArgument,
            fmt::format("sequence_id '{}' must be a number: the model reads it", request.sequence.id.substr(0, 200))};
  }
  return {};
}

Status SequenceBatcher::find_or_open(const InferRequest& request, SequencePtr& sequence) {
  const SequenceInfo& info = request.sequence;
  const auto at = sequences_.find(info.id);
  const bool is_open = at != sequences_.end() && !at->second->is_ended;
  if (!info.start && !is_open) {
    return {
        StatusCode::kInvalidArgument,
        fmt::format("sequence '{}' is not open: its first request needs sequence_start, and it is closed after {} ms "
                    "without one (max_sequence_idle_microseconds)",
                    info.id.substr(0, 200), config_.max_sequence_idle_us / 1000)};
  }
  if (at != sequences_.end()) {
    sequence = at->second;
  } else if (sequences_.size() >= limits_.max_sequences) {
    return {StatusCode::kResourceExhausted,
            fmt::format("{} sequences are open, which is the most: try again later", sequences_.size())};
  } else {
    sequence = sequences_[info.id] = std::make_shared<Sequence>();
    sequence->id = info.id;
  }
  return {};
}

void SequenceBatcher::close_idle(Clock::time_point now) {
  const auto idle = std::chrono::microseconds(std::min(config_.max_sequence_idle_us, uint64_t{1} << 50));
  if (now < next_look_ && sequences_.size() < limits_.max_sequences) return;
  std::erase_if(sequences_, [&](const auto& entry) {
    const Sequence& s = *entry.second;
    return !s.is_executing && now - s.last_used >= idle;
  });
  next_look_ = now + std::min<Clock::duration>(idle / 4, std::chrono::seconds(1));
}

Status SequenceBatcher::submit(InferRequest& request, ResponseCallback& done) {
  if (Status status = check(request); !status.ok()) return status;
  SequencePtr sequence;
  {
    const std::lock_guard lock(mutex_);
    if (is_draining_) return {StatusCode::kUnavailable, "the model is being unloaded"};
    close_idle(Clock::now());
    if (Status status = find_or_open(request, sequence); !status.ok()) return status;
    if (sequence->waiting.size() >= limits_.max_waiting) {
      return {StatusCode::kResourceExhausted,
              fmt::format("{} requests of sequence '{}' wait, which is the most", sequence->waiting.size(),
                          request.sequence.id.substr(0, 200))};
    }
    sequence->is_ended = request.sequence.end;
    sequence->waiting.push_back({std::move(request), std::move(done)});
    ++num_pending_;
    if (sequence->is_executing) return {};
    sequence->is_executing = true;
  }
  execute_all(sequence);
  return {};
}

// False when nothing waits: the next submit() starts anew then.
bool SequenceBatcher::take_next(Sequence& sequence, Waiting& next) {
  const std::lock_guard lock(mutex_);
  sequence.last_used = Clock::now();
  if (sequence.waiting.empty()) {
    sequence.is_executing = false;
    return false;
  }
  next = std::move(sequence.waiting.front());
  sequence.waiting.pop_front();
  if (next.request.sequence.start) sequence.states = initial_states();
  add_inputs(sequence, next.request);
  return true;
}

// One after the other. Whether an answer comes before execute_() returns or later, whoever is second goes on: a loop
// instead of calls inside each other, however many requests wait.
void SequenceBatcher::execute_all(const SequencePtr& sequence) {
  Waiting next;
  while (take_next(*sequence, next)) {
    std::vector<std::string> shown;
    for (const RequestedOutput& output : next.request.outputs) shown.push_back(output.name);
    add_state_outputs(next.request);
    const auto is_half_done = std::make_shared<std::atomic<bool>>(false);
    execute_(std::move(next.request), [self = shared_from_this(), sequence, shown = std::move(shown), is_half_done,
                                       done = std::move(next.done)](InferResponse&& response) {
      self->finish(*sequence, shown, response);
      self->answer(done, std::move(response));
      if (is_half_done->exchange(true)) self->execute_all(sequence);
    });
    if (!is_half_done->exchange(true)) return;
  }
}

void SequenceBatcher::finish(Sequence& sequence, const std::vector<std::string>& shown, InferResponse& response) {
  if (response.status.ok()) keep_states(sequence, response);
  std::erase_if(response.outputs, [&](const OutputTensor& output) {
    return is_hidden_output(output.name) && std::ranges::find(shown, output.name) == shown.end();
  });
  const std::lock_guard lock(mutex_);
  const auto at = sequences_.find(sequence.id);
  const bool is_over = sequence.is_ended && sequence.waiting.empty();
  if (is_over && at != sequences_.end() && at->second.get() == &sequence) sequences_.erase(at);
}

void SequenceBatcher::answer(const ResponseCallback& done, InferResponse&& response) {
  try {
    done(std::move(response));
  } catch (...) {  // as in the scheduler: the sequence goes on
  }
  const std::lock_guard lock(mutex_);
  --num_pending_;
  if (is_draining_) answered_.notify_all();
}

// Nobody else touches the states while the sequence executes.
void SequenceBatcher::keep_states(Sequence& sequence, const InferResponse& response) const {
  for (const OutputTensor& output : response.outputs) {
    for (size_t s = 0; s < config_.states.size(); ++s) {
      if (config_.states[s].output == output.name) sequence.states[s] = copied(config_.states[s].input, output);
    }
  }
}

void SequenceBatcher::add_inputs(const Sequence& sequence, InferRequest& request) const {
  for (const auto& control : config_.controls) request.inputs.push_back(control_tensor(control, request.sequence));
  request.inputs.insert(request.inputs.end(), sequence.states.begin(), sequence.states.end());
}

// A request that names no outputs gets all of them anyhow.
void SequenceBatcher::add_state_outputs(InferRequest& request) const {
  if (request.outputs.empty()) return;
  for (const auto& state : config_.states) {
    const bool is_there =
        std::ranges::find(request.outputs, state.output, &RequestedOutput::name) != request.outputs.end();
    if (is_there) continue;
    request.outputs.emplace_back();
    request.outputs.back().name = state.output;
  }
}

InputTensor SequenceBatcher::control_tensor(const SequenceBatching::Control& control, const SequenceInfo& info) const {
  const TensorSpec& spec = *signature_.find_input(control.input);
  InputTensor tensor{spec.name, spec.dtype, std::vector<int64_t>(spec.shape.size(), 1), {}};
  const Tensor value(dtype_of(spec.dtype), Shape(std::span(tensor.shape)));
  if (control.kind == "CONTROL_SEQUENCE_CORRID") {
    uint64_t number = 0;
    parse_number(info.id, number);
    store_elements<uint64_t>(&number, value.view());
  } else {
    const bool is_true = control.kind == "CONTROL_SEQUENCE_START" ? info.start
                         : control.kind == "CONTROL_SEQUENCE_END" ? info.end
                                                                  : true;
    const double number = control.false_true.size() == 2 ? control.false_true[is_true ? 1 : 0] : (is_true ? 1 : 0);
    store_elements<double>(&number, value.view());
  }
  tensor.data = bytes_of(value);
  return tensor;
}

// Zeros. A free dimension that the configuration does not give starts at the least that the engine takes.
std::vector<InputTensor> SequenceBatcher::initial_states() const {
  std::vector<InputTensor> states;
  for (const auto& state : config_.states) {
    const TensorSpec& spec = *signature_.find_input(state.input);
    const auto input = static_cast<size_t>(&spec - signature_.inputs().data());
    InputTensor tensor{spec.name, spec.dtype, spec.dims, {}};
    for (size_t d = 0; d < tensor.shape.size(); ++d) {
      const size_t own = d - (has_batch_ ? 1 : 0);
      if (has_batch_ && d == 0) {
        tensor.shape[d] = 1;
      } else if (tensor.shape[d] < 0) {
        const bool is_given = own < state.dims.size() && state.dims[own] >= 0;
        tensor.shape[d] = is_given ? state.dims[own] : signature_.min_of(input, static_cast<int>(d));
      }
    }
    const Tensor zeros(dtype_of(spec.dtype), Shape(std::span(tensor.shape)));
    if (zeros.num_bytes() > 0) std::memset(zeros.data(), 0, zeros.num_bytes());
    tensor.data = bytes_of(zeros);
    states.push_back(std::move(tensor));
  }
  return states;
}

bool SequenceBatcher::drain(Clock::time_point deadline, const Execute& refuse) {
  std::vector<Waiting> refused;
  {
    std::unique_lock lock(mutex_);
    is_draining_ = true;
    const auto is_done = [&] { return num_pending_ == 0; };
    if (deadline == Clock::time_point::max()) {
      answered_.wait(lock, is_done);
    } else {
      answered_.wait_until(lock, deadline, is_done);
    }
    for (const auto& [id, sequence] : sequences_) {
      std::ranges::move(sequence->waiting, std::back_inserter(refused));
      sequence->waiting.clear();
    }
    num_pending_ -= refused.size();
  }
  for (Waiting& waiting : refused) refuse(std::move(waiting.request), std::move(waiting.done));
  return refused.empty();
}

}  // namespace burnish::server
