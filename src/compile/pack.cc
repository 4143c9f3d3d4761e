#include "compile/pack.h"

#include "base/hash.h"

namespace burnish {
namespace {

bool absorbs(const Candidate& candidate, const StepOptions& options, size_t input) {
  return candidate.tactic != nullptr && options.problem && options.problem->is_constant[input] &&
         candidate.tactic->packs_input(*options.problem, static_cast<int>(input));
}

/// Constants whose elements somebody reads while running, by PlanValueId.
std::vector<bool> constants_read(const Plan& plan, const std::vector<StepOptions>& options,
                                 const std::vector<Candidate>& chosen) {
  std::vector<bool> read(plan.values.size(), false);
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const auto& inputs = plan.steps[s].inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] != kAbsent && !absorbs(chosen[s], options[s], i)) read[static_cast<size_t>(inputs[i])] = true;
    }
  }
  for (const Binding& output : plan.outputs) read[static_cast<size_t>(output.value)] = true;
  return read;
}

}  // namespace

int32_t BlobStore::add(Blob blob) {
  const std::string key = fmt::format("{} {} {} {}", name_of(blob.dtype), to_string(blob.shape), blob.num_bytes,
                                      hash128_hex({blob.data, blob.num_bytes}));
  const auto [it, is_new] = by_content_.emplace(key, static_cast<int32_t>(blobs_.size()));
  if (is_new) {
    total_bytes_ += static_cast<int64_t>(blob.num_bytes);
    blobs_.push_back(std::move(blob));
  }
  return it->second;
}

int32_t BlobStore::add_packed(const PackedBlob& bytes) {
  auto memory = allocate_aligned(bytes.size());
  if (!bytes.empty()) std::memcpy(memory.get(), bytes.data(), bytes.size());
  const auto* data = static_cast<const std::byte*>(memory.get());
  return add({DType::kUndefined, Shape{static_cast<int64_t>(bytes.size())}, std::move(memory), data, bytes.size()});
}

int32_t BlobStore::add_constant(const Tensor& tensor) {
  auto owner = std::make_shared<Tensor>(tensor);
  const auto* data = static_cast<const std::byte*>(tensor.data());
  return add({tensor.dtype(), tensor.shape(), std::move(owner), data, tensor.num_bytes()});
}

void pack_weights(LoweredPlan& lowered, const std::vector<StepOptions>& options, const std::vector<Candidate>& chosen,
                  BlobStore& blobs, const Reporter& reporter) {
  Plan& plan = lowered.plan;
  const auto num_steps = static_cast<int64_t>(plan.steps.size());
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    reporter.advance("pack", static_cast<int64_t>(s), num_steps);
    if (chosen[s].tactic == nullptr || !options[s].problem) continue;
    for (const PackedBlob& blob : chosen[s].tactic->pack(*options[s].problem, chosen[s].config)) {
      plan.steps[s].packed.push_back(blobs.add_packed(blob));
    }
  }
  const std::vector<bool> read = constants_read(plan, options, chosen);
  for (size_t v = 0; v < plan.values.size(); ++v) {
    if (lowered.constants[v].defined() && read[v]) plan.values[v].blob = blobs.add_constant(lowered.constants[v]);
  }
  reporter.advance("pack", num_steps, num_steps);
}

}  // namespace burnish
