#include "server/ensemble_plan.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace burnish::server {
namespace {

template <typename... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCode::kInvalidArgument, "ensemble_scheduling: " + fmt::format(format, std::forward<Args>(args)...));
}

class Planner {
 public:
  Planner(ModelConfig& config, const FindServable& find) : config_(config), find_(find) {}

  EnsemblePlan plan() {
    for (const EnsembleStep& step : config_.ensemble) add_step(step);
    check_circles();
    find_inputs();
    find_outputs();
    complete_batch_size();
    complete(config_.inputs, plan_.inputs);
    complete(config_.outputs, plan_.outputs);
    return std::move(plan_);
  }

 private:
  void add_step(const EnsembleStep& step) {
    const std::shared_ptr<Servable> model = find_(step.model, step.model_version);
    if (model == nullptr)
      refuse("step {}: model '{}' has no such version that is ready", plan_.steps.size(), step.model);
    const ModelMetadata metadata = model->metadata();
    max_batch_ = std::min(max_batch_, std::max(0, model->config().max_batch_size));
    EnsemblePlan::Step added{step.model, step.model_version, {}, {}};
    add_ports(step, "input", step.input_map, metadata.inputs, added.inputs);
    add_ports(step, "output", step.output_map, metadata.outputs, added.outputs);
    for (const TensorMetadata& input : metadata.inputs) {
      if (step.input_map.contains(input.name)) continue;
      refuse("step {}: input '{}' of model '{}' is missing in input_map", plan_.steps.size(), input.name, step.model);
    }
    const auto index = plan_.steps.size();
    for (const EnsemblePlan::Port& port : added.inputs) plan_.tensors[port.tensor].consumers.push_back(index);
    for (const EnsemblePlan::Port& port : added.outputs) set_producer(plan_.tensors[port.tensor], index);
    plan_.steps.push_back(std::move(added));
  }

  void add_ports(const EnsembleStep& step, std::string_view kind, const std::map<std::string, std::string>& names,
                 const std::vector<TensorMetadata>& tensors, std::vector<EnsemblePlan::Port>& ports) {
    for (const auto& [own, shared] : names) {
      const auto found = std::ranges::find(tensors, own, &TensorMetadata::name);
      if (found == tensors.end()) {
        std::vector<std::string> known;
        for (const TensorMetadata& tensor : tensors) known.push_back(tensor.name);
        refuse("step {}: model '{}' has no {} '{}'; it has {}", plan_.steps.size(), step.model, kind, own,
               fmt::join(known, ", "));
      }
      ports.push_back({own, tensor_of(shared, *found)});
    }
  }

  size_t tensor_of(const std::string& name, const TensorMetadata& type) {
    const auto found = std::ranges::find(plan_.tensors, name, &EnsemblePlan::Tensor::name);
    if (found == plan_.tensors.end()) {
      plan_.tensors.push_back({name, type, -1, {}, false});
      return plan_.tensors.size() - 1;
    }
    check_same(name, found->type, type);
    return static_cast<size_t>(found - plan_.tensors.begin());
  }

  static void check_same(const std::string& name, const TensorMetadata& a, const TensorMetadata& b) {
    if (a.datatype != b.datatype)
      refuse("tensor '{}' is {} in one step and {} in another", name, a.datatype, b.datatype);
    const bool agree =
        std::ranges::equal(a.shape, b.shape, [](int64_t x, int64_t y) { return x == y || x < 0 || y < 0; });
    if (agree || a.shape.empty() || b.shape.empty()) return;
    refuse("tensor '{}' is [{}] in one step and [{}] in another", name, fmt::join(a.shape, ", "),
           fmt::join(b.shape, ", "));
  }

  static void set_producer(EnsemblePlan::Tensor& tensor, size_t step) {
    if (tensor.producer >= 0) refuse("tensor '{}' is made by steps {} and {}", tensor.name, tensor.producer, step);
    tensor.producer = static_cast<int>(step);
  }

  /// Takes away steps whose inputs are there until none is left.
  void check_circles() const {
    std::vector<bool> done(plan_.steps.size());
    for (size_t round = 0; round < plan_.steps.size(); ++round) {
      for (size_t s = 0; s < plan_.steps.size(); ++s) {
        done[s] = done[s] || std::ranges::all_of(plan_.steps[s].inputs, [&](const EnsemblePlan::Port& port) {
                    const int producer = plan_.tensors[port.tensor].producer;
                    return producer < 0 || done[static_cast<size_t>(producer)];
                  });
      }
    }
    const auto stuck = std::ranges::find(done, false);
    if (stuck == done.end()) return;
    const auto step = static_cast<size_t>(stuck - done.begin());
    refuse("step {} (model '{}') waits for itself, through a circle of tensors", step, plan_.steps[step].model);
  }

  /// Those that the configuration names, in its order; else all that no step makes.
  void find_inputs() {
    for (const TensorConfig& input : config_.inputs) {
      const size_t tensor = named(input, "input");
      if (plan_.tensors[tensor].producer >= 0) refuse("input '{}' is made by a step", input.name);
      plan_.inputs.push_back(tensor);
    }
    for (size_t t = 0; t < plan_.tensors.size(); ++t) {
      if (plan_.tensors[t].producer >= 0 || std::ranges::find(plan_.inputs, t) != plan_.inputs.end()) continue;
      if (!config_.inputs.empty()) refuse("no step makes tensor '{}', and it is no input", plan_.tensors[t].name);
      plan_.inputs.push_back(t);
    }
  }

  /// Those that the configuration names, in its order; else all that no step takes.
  void find_outputs() {
    for (const TensorConfig& output : config_.outputs) {
      const size_t tensor = named(output, "output");
      if (plan_.tensors[tensor].producer < 0) refuse("no step makes output '{}'", output.name);
      plan_.outputs.push_back(tensor);
    }
    for (size_t t = 0; config_.outputs.empty() && t < plan_.tensors.size(); ++t) {
      if (plan_.tensors[t].consumers.empty()) plan_.outputs.push_back(t);
    }
    for (const size_t t : plan_.outputs) plan_.tensors[t].is_output = true;
  }

  size_t named(const TensorConfig& tensor, std::string_view kind) const {
    const auto found = std::ranges::find(plan_.tensors, tensor.name, &EnsemblePlan::Tensor::name);
    if (found == plan_.tensors.end()) refuse("{} '{}' stands in no step", kind, tensor.name);
    return static_cast<size_t>(found - plan_.tensors.begin());
  }

  void complete_batch_size() {
    if (config_.max_batch_size < 0) config_.max_batch_size = max_batch_;
    if (config_.max_batch_size > max_batch_) {
      refuse("max_batch_size is {}, but the steps allow {}", config_.max_batch_size, max_batch_);
    }
  }

  void complete(std::vector<TensorConfig>& said, const std::vector<size_t>& tensors) {
    std::vector<TensorConfig> completed;
    for (const size_t t : tensors) {
      const TensorMetadata& type = plan_.tensors[t].type;
      const auto found = std::ranges::find(said, plan_.tensors[t].name, &TensorConfig::name);
      TensorConfig tensor = found == said.end() ? TensorConfig{plan_.tensors[t].name, {}, {}, {}} : *found;
      if (!tensor.data_type.empty() && tensor.data_type != "TYPE_" + type.datatype) {
        refuse("'{}' is {} in the configuration, TYPE_{} in the steps", tensor.name, tensor.data_type, type.datatype);
      }
      tensor.data_type = "TYPE_" + type.datatype;
      const bool batched = config_.max_batch_size > 0 && !type.shape.empty();
      if (tensor.dims.empty()) tensor.dims.assign(type.shape.begin() + (batched ? 1 : 0), type.shape.end());
      completed.push_back(std::move(tensor));
    }
    said = std::move(completed);
  }

  ModelConfig& config_;
  const FindServable& find_;
  EnsemblePlan plan_;
  int max_batch_ = std::numeric_limits<int>::max();
};

}  // namespace

EnsemblePlan plan_ensemble(ModelConfig& config, const FindServable& find) {
  config.platform = "ensemble";
  return Planner(config, find).plan();
}

}  // namespace burnish::server
