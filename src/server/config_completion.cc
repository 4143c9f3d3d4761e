#include "server/config_completion.h"

#include <limits>

#include "base/error.h"
#include "server/inference_server.h"

namespace burnish::server {
namespace {

constexpr size_t kMaxNameLength = 200;
constexpr int kPreferredBatch = 8;

bool has_free_batch(const std::vector<BindingInfo>& bindings) {
  return std::ranges::all_of(bindings, [](const BindingInfo& b) { return !b.shape.empty() && b.shape[0] == -1; });
}

/// Of one profile: 0 where its inputs disagree.
int64_t max_batch_of_profile(const Engine& engine, size_t profile) {
  int64_t batch = std::numeric_limits<int>::max();
  for (const BindingInfo& input : engine.inputs()) {
    const ShapeRange range = engine.input_range(input.name, profile);
    if (range.max.empty() || range.min[0] > 1) return 0;
    batch = std::min(batch, range.max[0]);
  }
  return batch;
}

[[noreturn]] void refuse(const ModelConfig& config, const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::kMismatch, fmt::format("model '{}': {}", config.name, message)).with_hint(hint);
}

std::string names_of(const std::vector<BindingInfo>& bindings) {
  std::vector<std::string> names;
  for (const BindingInfo& binding : bindings) names.push_back(binding.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<int64_t> dims_of(const BindingInfo& binding, bool batched) {
  return {binding.shape.begin() + (batched ? 1 : 0), binding.shape.end()};
}

void check_tensor(const ModelConfig& config, std::string_view kind, const TensorConfig& tensor,
                  const BindingInfo& binding) {
  const std::string dtype = triton_name(binding.dtype);
  if (!tensor.data_type.empty() && tensor.data_type != dtype) {
    refuse(config,
           fmt::format("{} '{}': data_type is {} in the configuration, {} in the engine", kind, tensor.name,
                       tensor.data_type, dtype),
           "correct it, or leave data_type out");
  }
  if (tensor.dims.empty() || binding.shape.empty()) return;  // an output's rank may depend on data
  const std::vector<int64_t> dims = dims_of(binding, config.max_batch_size > 0);
  const bool agree = std::ranges::equal(tensor.dims, dims,
                                        [](int64_t said, int64_t is) { return said == is || is == -1 || said == -1; });
  if (agree) return;
  refuse(config,
         fmt::format("{} '{}': dims are [{}] in the configuration, [{}] in the engine{}", kind, tensor.name,
                     fmt::join(tensor.dims, ", "), fmt::join(dims, ", "),
                     config.max_batch_size > 0 ? " (the batch's dimension not counted)" : ""),
         "correct dims or max_batch_size, or leave them out");
}

/// Every binding in the engine's order, with what the configuration says of it.
std::vector<TensorConfig> complete(const ModelConfig& config, std::string_view kind,
                                   const std::vector<TensorConfig>& said, const std::vector<BindingInfo>& bindings) {
  std::vector<TensorConfig> completed;
  for (const TensorConfig& tensor : said) {
    if (std::ranges::find(bindings, tensor.name, &BindingInfo::name) != bindings.end()) continue;
    refuse(config, fmt::format("the engine has no {} '{}'; it has {}", kind, tensor.name, names_of(bindings)),
           "correct the name, or leave it out");
  }
  for (const BindingInfo& binding : bindings) {
    const auto found = std::ranges::find(said, binding.name, &TensorConfig::name);
    TensorConfig tensor = found == said.end() ? TensorConfig{binding.name, {}, {}, {}} : *found;
    check_tensor(config, kind, tensor, binding);
    tensor.data_type = triton_name(binding.dtype);
    if (tensor.dims.empty() && !binding.shape.empty()) tensor.dims = dims_of(binding, config.max_batch_size > 0);
    completed.push_back(std::move(tensor));
  }
  return completed;
}

void complete_batch_size(ModelConfig& config, const Engine& engine) {
  const int possible = max_batch_of(engine);
  if (config.max_batch_size < 0) config.max_batch_size = possible;
  if (config.max_batch_size <= possible) return;
  const std::string reason =
      possible == 0 ? "the engine's first dimensions are not all free" : fmt::format("its profiles allow {}", possible);
  refuse(config, fmt::format("max_batch_size is {}, but {}", config.max_batch_size, reason),
         "lower it, or build the engine with a larger --profile");
}

}  // namespace

bool is_model_name(std::string_view name) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= kMaxNameLength && name[0] != '.' && std::ranges::all_of(name, allowed);
}

void check_model_name(std::string_view name) {
  if (is_model_name(name)) return;
  throw Error(ErrorCode::kInvalidArgument, fmt::format("'{}' is no name of a model", name.substr(0, kMaxNameLength)))
      .with_hint("names are of letters, digits, '_', '-' and '.', and do not begin with a dot");
}

std::string triton_name(DataType dtype) {
  const std::string_view name = kserve_name(dtype);
  return name.empty() ? std::string() : fmt::format("TYPE_{}", name);
}

int max_batch_of(const Engine& engine) {
  if (engine.inputs().empty() || !has_free_batch(engine.inputs()) || !has_free_batch(engine.outputs())) return 0;
  int64_t batch = 0;
  for (size_t p = 0; p < engine.num_profiles(); ++p) batch = std::max(batch, max_batch_of_profile(engine, p));
  return static_cast<int>(batch);
}

void complete_config(ModelConfig& config, const Engine& engine) {
  if (config.platform.empty()) config.platform = "burnish_engine";
  if (config.backend.empty()) config.backend = "burnish";
  complete_batch_size(config, engine);
  config.inputs = complete(config, "input", config.inputs, engine.inputs());
  config.outputs = complete(config, "output", config.outputs, engine.outputs());
}

std::string build_profile_of(const ModelConfig& config) {
  if (config.max_batch_size <= 0 || config.inputs.empty()) return {};
  const auto shape = [&](const TensorConfig& input, int batch) {
    return input.dims.empty() ? std::to_string(batch) : fmt::format("{}x{}", batch, fmt::join(input.dims, "x"));
  };
  std::vector<std::string> parts;
  for (const TensorConfig& input : config.inputs) {
    if (std::ranges::any_of(input.dims, [](int64_t dim) { return dim < 0; })) return {};
    parts.push_back(fmt::format("{}={}:{}:{}", input.name, shape(input, 1),
                                shape(input, std::min(config.max_batch_size, kPreferredBatch)),
                                shape(input, config.max_batch_size)));
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

}  // namespace burnish::server
