#include "server/model_setup.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/thread_pool.h"
#include "server/classification.h"
#include "server/inference_server.h"
#include "server/sequence_batcher.h"

namespace burnish::server {
namespace {

constexpr int kMaxInstances = 256;

template <typename... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  check(condition, ErrorCode::kInvalidArgument, format, std::forward<Args>(args)...);
}

void complete_batch(ModelConfig& config, const Signature& signature) {
  const int64_t most = signature.max_batch();
  if (config.max_batch_size < 0) {
    const bool batches = signature.has_evident_batch() && most > 1;
    config.max_batch_size = batches ? static_cast<int>(std::min<int64_t>(most, INT32_MAX)) : 0;
    const bool has_scheduler = config.dynamic_batching || config.sequence_batching;
    if (batches && !has_scheduler) config.dynamic_batching.emplace();
  }
  if (config.max_batch_size == 0) return;
  require(signature.batch_obstacle().empty(),
          "max_batch_size is {}, but {}: set it to 0, or rebuild the engine with a free batch", config.max_batch_size,
          signature.batch_obstacle());
  require(config.max_batch_size <= most,
          "max_batch_size is {}, but the engine's profiles take at most {}: lower it, or rebuild the engine with a "
          "larger profile",
          config.max_batch_size, most);
}

// Without the batch where there is one.
std::vector<int64_t> dims_of(const TensorSpec& spec, bool has_batch) {
  std::vector<int64_t> dims = spec.dims;
  if (has_batch && !dims.empty()) dims.erase(dims.begin());
  return dims;
}

void complete_tensor(TensorConfig& tensor, const TensorSpec& spec, std::string_view kind, bool has_batch) {
  const std::string type = config_type(spec.dtype);
  if (tensor.data_type.empty()) tensor.data_type = type;
  require(tensor.data_type == type, "{} '{}': data_type is {}, but the engine's is {}", kind, tensor.name,
          tensor.data_type, type);
  const std::vector<int64_t> dims = dims_of(spec, has_batch);
  if (tensor.dims.empty()) tensor.dims = dims;
  bool fits = !spec.has_shape || tensor.dims.size() == dims.size();
  for (size_t d = 0; fits && spec.has_shape && d < dims.size(); ++d) {
    fits = dims[d] == -1 || tensor.dims[d] == dims[d];
  }
  require(fits, "{} '{}': dims are {}, but the engine's are {}{}", kind, tensor.name, dims_text(tensor.dims),
          dims_text(dims), has_batch ? " (without the batch)" : "");
}

void complete_tensors(std::vector<TensorConfig>& tensors, const std::vector<TensorSpec>& specs, std::string_view kind,
                      bool has_batch) {
  for (const TensorConfig& tensor : tensors) {
    const bool is_known = std::ranges::find(specs, tensor.name, &TensorSpec::name) != specs.end();
    require(is_known, "{} '{}': the engine has none of that name", kind, tensor.name);
  }
  for (const TensorSpec& spec : specs) {
    auto at = std::ranges::find(tensors, spec.name, &TensorConfig::name);
    if (at == tensors.end()) at = tensors.insert(at, TensorConfig{spec.name, {}, {}, {}});
    complete_tensor(*at, spec, kind, has_batch);
  }
}

void check_batching(const ModelConfig& config, const Signature& signature) {
  if (!config.dynamic_batching) return;
  require(!config.sequence_batching, "dynamic_batching and sequence_batching exclude each other: remove one");
  for (const int size : config.dynamic_batching->preferred_batch_size) {
    require(size > 0 && size <= config.max_batch_size, "preferred_batch_size {} is not between 1 and max_batch_size {}",
            size, config.max_batch_size);
  }
  const auto& buckets = config.dynamic_batching->length_buckets;
  if (buckets.empty()) return;
  require(config.max_batch_size > 0, "length_buckets need max_batch_size of at least 1");
  require(std::ranges::all_of(buckets, [](int64_t b) { return b > 0; }), "length_buckets must be positive");
  for (size_t o = 0; o < signature.outputs().size(); ++o) {
    require(!signature.depends_on_data(o), "length_buckets: the shape of output '{}' depends on data",
            signature.outputs()[o].name);
  }
}

void complete_gpu_group(InstanceGroup& group) {
  require(group.kind != "KIND_CPU", "instance group '{}': kind is KIND_CPU, but the engine is for a GPU", group.name);
  group.kind = "KIND_GPU";
  if (group.gpus.empty()) group.gpus = {0};
  if (group.count == 0) group.count = 1;
  if (group.threads == 0) group.threads = 1;
}

// A quick model gains nothing from threads that wait for each other; a slow one has them all.
void complete_cpu_group(InstanceGroup& group, bool is_quick) {
  require(group.kind != "KIND_GPU" && group.gpus.empty(),
          "instance group '{}': the engine is for the CPU, kind must be KIND_CPU or KIND_AUTO", group.name);
  group.kind = "KIND_CPU";
  const int share = group.cores.empty() ? num_available_cores() : static_cast<int>(group.cores.size());
  if (group.count == 0 && group.threads == 0 && is_quick) group.threads = 1;
  if (group.count == 0) group.count = group.threads > 0 ? std::max(1, share / group.threads) : 1;
  if (group.threads == 0) group.threads = std::max(1, share / group.count);
}

void complete_instances(ModelConfig& config, bool is_for_gpu, bool is_quick) {
  if (config.instance_groups.empty()) config.instance_groups.emplace_back();
  int64_t total = 0;
  for (size_t g = 0; g < config.instance_groups.size(); ++g) {
    InstanceGroup& group = config.instance_groups[g];
    if (group.name.empty()) group.name = fmt::format("{}_{}", config.name, g);
    require(group.count >= 0 && group.threads >= 0, "instance group '{}': count {} and threads {} must be positive",
            group.name, group.count, group.threads);
    is_for_gpu ? complete_gpu_group(group) : complete_cpu_group(group, is_quick);
    total += int64_t{group.count} * static_cast<int64_t>(std::max<size_t>(1, group.gpus.size()));
    require(total <= kMaxInstances, "the instance groups have more than {} instances", kMaxInstances);
  }
}

}  // namespace

std::string config_type(DataType dtype) {
  return "TYPE_" + std::string(kserve_name(dtype));
}

std::string path_below(const std::string& folder, const std::string& name) {
  require(!folder.empty(), "'{}' needs a model folder", name);
  const std::filesystem::path path(name);
  const bool leads_out = path.is_absolute() || std::ranges::find(path, "..") != path.end();
  require(!leads_out && name.find('\0') == std::string::npos, "'{}' is not below the model's folder", name);
  return folder + "/" + name;
}

ModelConfig complete_config(ModelConfig config, const Signature& signature, bool is_quick) {
  complete_batch(config, signature);
  complete_tensors(config.inputs, signature.inputs(), "input", config.max_batch_size > 0);
  complete_tensors(config.outputs, signature.outputs(), "output", config.max_batch_size > 0);
  check_batching(config, signature);
  if (config.sequence_batching) check_sequences(*config.sequence_batching, signature);
  complete_instances(config, signature.is_for_gpu(), is_quick);
  if (config.platform.empty()) config.platform = "burnish_engine";
  return config;
}

std::vector<int> devices_of(const ModelConfig& config) {
  std::set<int> devices;
  for (const InstanceGroup& group : config.instance_groups) {
    devices.insert(group.gpus.begin(), group.gpus.end());
    if (group.gpus.empty()) devices.insert(0);
  }
  if (devices.empty()) devices.insert(0);
  return {devices.begin(), devices.end()};
}

std::vector<InstanceSettings> instance_settings(const ModelConfig& config) {
  std::vector<InstanceSettings> settings;
  for (const InstanceGroup& group : config.instance_groups) {
    const std::vector<int> devices = group.gpus.empty() ? std::vector<int>{0} : group.gpus;
    for (int i = 0; i < group.count * static_cast<int>(devices.size()); ++i) {
      const int device = devices[static_cast<size_t>(i) % devices.size()];
      settings.push_back({fmt::format("{}_{}", group.name, i), group.threads, group.cores, device});
    }
  }
  return settings;
}

std::vector<std::vector<std::string>> labels_of(const ModelConfig& config, const Signature& signature,
                                                const std::string& model_folder) {
  std::vector<std::vector<std::string>> labels(signature.outputs().size());
  for (size_t o = 0; o < labels.size(); ++o) {
    const auto at = std::ranges::find(config.outputs, signature.outputs()[o].name, &TensorConfig::name);
    if (at == config.outputs.end() || at->label_filename.empty()) continue;
    labels[o] = with_frame([&] { return fmt::format("label_filename of output '{}'", at->name); },
                           [&] { return read_labels(path_below(model_folder, at->label_filename)); });
  }
  return labels;
}

}  // namespace burnish::server
