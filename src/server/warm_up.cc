#include "server/warm_up.h"

#include <algorithm>
#include <random>

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/tensor.h"
#include "ops/elements.h"
#include "runtime/engine_impl.h"
#include "server/model_setup.h"
#include "server/request_check.h"

namespace burnish::server {
namespace {

std::vector<int64_t> default_shape(const ModelConfig& config, const Signature& signature, size_t input) {
  const Shape& opt = signature.optimum(input);
  std::vector<int64_t> shape(opt.begin(), opt.end());
  if (config.max_batch_size > 0) shape[0] = 1;
  return shape;
}

Bytes zeros(size_t bytes) {
  const std::shared_ptr<void> memory = allocate_aligned(bytes);
  std::memset(memory.get(), 0, bytes);
  return {static_cast<const std::byte*>(memory.get()), bytes, memory, false};
}

// Floats between 0 and 1; integers 0 or 1, which are indices of anything.
Bytes random_values(const InputTensor& tensor) {
  Shape shape{std::span(tensor.shape)};
  const Tensor values(dtype_of(tensor.dtype), shape);
  std::vector<float> floats(static_cast<size_t>(shape.num_elements()));
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(0, 1);
  const bool is_float = is_floating(values.dtype());
  std::ranges::generate(floats, [&] { return is_float ? uniform(random) : std::round(uniform(random)); });
  store_elements<float>(floats.data(), values.view());
  const auto owner = std::make_shared<Tensor>(values);
  return {values.as<const std::byte>(), values.num_bytes(), owner, false};
}

Bytes file_content(const std::string& path) {
  const auto text = std::make_shared<std::string>(read_file(path));
  return {reinterpret_cast<const std::byte*>(text->data()), text->size(), text, false};
}

InputTensor sample_tensor(const WarmupSample& sample, const WarmupSample::Input& input, const TensorSpec& spec,
                          bool has_batch, const std::string& model_folder) {
  InputTensor tensor{spec.name, spec.dtype, input.dims, {}};
  if (has_batch) tensor.shape.insert(tensor.shape.begin(), sample.batch_size);
  check(input.data_type.empty() || input.data_type == config_type(spec.dtype), ErrorCode::kInvalidArgument,
        "input '{}': data_type is {}, but the engine's is {}", spec.name, input.data_type, config_type(spec.dtype));
  check(std::ranges::all_of(tensor.shape, [](int64_t d) { return d >= 0; }), ErrorCode::kInvalidArgument,
        "input '{}': dims {} must be numbers", spec.name, dims_text(input.dims));
  if (!input.file.empty()) {
    tensor.data = file_content(path_below(model_folder, "warmup/" + input.file));
    return tensor;
  }
  int64_t bytes = static_cast<int64_t>(spec.element_bytes);
  for (const int64_t d : tensor.shape) bytes = checked_mul(bytes, d);
  tensor.data = input.random ? random_values(tensor) : zeros(static_cast<size_t>(bytes));
  return tensor;
}

InputTensor default_tensor(const ModelConfig& config, const Signature& signature, size_t input, uint32_t items) {
  const TensorSpec& spec = signature.inputs()[input];
  InputTensor tensor{spec.name, spec.dtype, default_shape(config, signature, input), {}};
  if (config.max_batch_size > 0) tensor.shape[0] = items;
  int64_t bytes = static_cast<int64_t>(spec.element_bytes);
  for (const int64_t d : tensor.shape) bytes = checked_mul(bytes, d);
  tensor.data = zeros(static_cast<size_t>(bytes));
  return tensor;
}

Batch batch_of(const ModelConfig& config, const Signature& signature, const WarmupSample& sample,
               const std::string& model_folder) {
  auto pending = std::make_unique<PendingRequest>();
  for (const auto& [name, input] : sample.inputs) {
    const TensorSpec* spec = signature.find_input(name);
    check(spec != nullptr, ErrorCode::kInvalidArgument, "the engine has no input '{}'", name);
    pending->request.inputs.push_back(sample_tensor(sample, input, *spec, config.max_batch_size > 0, model_folder));
  }
  for (size_t i = 0; i < signature.inputs().size(); ++i) {
    if (sample.inputs.contains(signature.inputs()[i].name)) continue;
    pending->request.inputs.push_back(default_tensor(config, signature, i, sample.batch_size));
  }
  const Status status = RequestCheck(config, signature).check(*pending);
  check(status.ok(), ErrorCode::kInvalidArgument, "{}", status.message);
  Batch batch;
  batch.items = pending->items;
  batch.shape_key = pending->shape_key;
  batch.requests.push_back(std::move(pending));
  return batch;
}

}  // namespace

std::vector<Batch> warm_up_batches(const ModelConfig& config, const Signature& signature,
                                   const std::string& model_folder) {
  constexpr uint32_t kMostRepetitions = 1000;
  std::vector<WarmupSample> samples = config.warmup;
  if (samples.empty()) samples.push_back({"zeros", 1, 1, {}});
  std::vector<Batch> batches;
  for (const WarmupSample& sample : samples) {
    with_frame([&] { return fmt::format("model_warmup '{}'", sample.name); },
               [&] {
                 for (uint32_t i = 0; i < std::clamp(sample.count, 1U, kMostRepetitions); ++i) {
                   batches.push_back(batch_of(config, signature, sample, model_folder));
                 }
               });
  }
  return batches;
}

}  // namespace burnish::server
