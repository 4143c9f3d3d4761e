#include "server/request_check.h"

#include <algorithm>

#include "base/checked.h"
#include "base/error.h"
#include "base/hash.h"
#include "server/inference_server.h"

namespace burnish::server {
namespace {

// Names from the network, short enough to be echoed.
std::string_view shown(std::string_view name) {
  return name.substr(0, 200);
}

std::string names_of(const std::vector<TensorSpec>& specs) {
  std::string names;
  for (const TensorSpec& spec : specs) names += (names.empty() ? "'" : ", '") + spec.name + "'";
  return names;
}

std::string_view type_text(DataType dtype) {
  const std::string_view name = kserve_name(dtype);
  return name.empty() ? "an unknown type" : name;
}

size_t index_in(const std::vector<TensorSpec>& specs, std::string_view name, std::string_view kind) {
  const auto at = std::ranges::find(specs, name, &TensorSpec::name);
  check(at != specs.end(), ErrorCode::kInvalidArgument, "the model has no {} '{}', only {}", kind, shown(name),
        names_of(specs));
  return static_cast<size_t>(at - specs.begin());
}

}  // namespace

RequestCheck::RequestCheck(const ModelConfig& config, const Signature& signature)
    : signature_(signature), max_batch_(config.max_batch_size) {
  if (config.dynamic_batching) buckets_ = config.dynamic_batching->length_buckets;
  std::ranges::sort(buckets_);
  for (const TensorSpec& input : signature.inputs()) {
    for (size_t d = max_batch_ > 0 ? 1 : 0; d < input.shape.size(); ++d) {
      if (!input.shape[d].is_constant()) has_free_lengths_ = true;
    }
  }
}

Status RequestCheck::check(PendingRequest& pending) const {
  try {
    check_inputs(pending);
    check_items(pending);
    choose_shapes(pending);
    check_outputs(pending);
    return {};
  } catch (const Error& e) {
    return {StatusCode::kInvalidArgument, e.what()};
  }
}

void RequestCheck::check_inputs(PendingRequest& pending) const {
  constexpr uint32_t kMissing = UINT32_MAX;
  const auto& tensors = pending.request.inputs;
  pending.inputs.assign(signature_.inputs().size(), kMissing);
  pending.shapes.resize(signature_.inputs().size());
  for (size_t t = 0; t < tensors.size(); ++t) {
    const size_t i = index_in(signature_.inputs(), tensors[t].name, "input");
    burnish::check(pending.inputs[i] == kMissing, ErrorCode::kInvalidArgument, "input '{}' is given twice",
                   tensors[t].name);
    check_tensor(tensors[t], i);
    pending.inputs[i] = static_cast<uint32_t>(t);
    pending.shapes[i] = Shape(tensors[t].shape);
  }
  for (size_t i = 0; i < pending.inputs.size(); ++i) {
    burnish::check(pending.inputs[i] != kMissing, ErrorCode::kInvalidArgument,
                   "input '{}' is missing: the model takes {}", signature_.inputs()[i].name,
                   names_of(signature_.inputs()));
  }
}

void RequestCheck::check_tensor(const InputTensor& tensor, size_t input) const {
  const TensorSpec& spec = signature_.inputs()[input];
  burnish::check(tensor.dtype == spec.dtype, ErrorCode::kInvalidArgument, "input '{}' is {}, but {} was given",
                 spec.name, type_text(spec.dtype), type_text(tensor.dtype));
  check_dimensions(tensor, input);
  int64_t bytes = static_cast<int64_t>(spec.element_bytes);
  for (const int64_t d : tensor.shape) bytes = checked_mul(bytes, d);
  burnish::check(tensor.data.size == static_cast<size_t>(bytes), ErrorCode::kInvalidArgument,
                 "input '{}' {} {} takes {} bytes, but {} were given", spec.name, type_text(spec.dtype),
                 dims_text(tensor.shape), bytes, tensor.data.size);
}

void RequestCheck::check_dimensions(const InputTensor& tensor, size_t input) const {
  const TensorSpec& spec = signature_.inputs()[input];
  burnish::check(tensor.shape.size() == spec.shape.size(), ErrorCode::kInvalidArgument,
                 "input '{}' has {} dimensions {}, but {} were given{}", spec.name, spec.shape.size(), expected(input),
                 tensor.shape.size(), tensor.shape.size() < 20 ? ": " + dims_text(tensor.shape) : "");
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    const auto dimension = static_cast<int>(d);
    const bool is_batch = d == 0 && max_batch_ > 0;  // few items are filled up
    const int64_t least = is_batch ? 1 : signature_.min_of(input, dimension);
    const int64_t most = signature_.max_of(input, dimension);
    if (tensor.shape[d] >= least && tensor.shape[d] <= most) continue;
    const std::string range = least == most ? std::to_string(least) : fmt::format("{} to {}", least, most);
    throw_error(ErrorCode::kInvalidArgument, "input '{}' must be {}, but {} was given: dimension {} is {}, not {}",
                spec.name, expected(input), dims_text(tensor.shape), d, tensor.shape[d], range);
  }
}

std::string RequestCheck::expected(size_t input) const {
  return dims_text(signature_.inputs()[input].dims);
}

void RequestCheck::check_items(PendingRequest& pending) const {
  pending.is_batchable = max_batch_ > 0;
  pending.items = 1;
  if (!pending.is_batchable) return;
  pending.items = pending.shapes[0][0];
  for (size_t i = 1; i < pending.shapes.size(); ++i) {
    burnish::check(pending.shapes[i][0] == pending.items, ErrorCode::kInvalidArgument,
                   "input '{}' has {} items, but input '{}' has {}", signature_.inputs()[0].name, pending.items,
                   signature_.inputs()[i].name, pending.shapes[i][0]);
  }
  burnish::check(pending.items <= max_batch_, ErrorCode::kInvalidArgument,
                 "the request has {} items, the model takes at most {} at once (max_batch_size): split it",
                 pending.items, max_batch_);
}

int64_t RequestCheck::rounded_up(size_t input, int dimension, int64_t length) const {
  const auto bucket = std::ranges::lower_bound(buckets_, length);
  return bucket == buckets_.end() ? length : std::min(*bucket, signature_.max_of(input, dimension));
}

void RequestCheck::choose_shapes(PendingRequest& pending) const {
  if (signature_.shares_symbols()) signature_.symbols_of(pending.shapes);
  if (!buckets_.empty() && has_free_lengths_) {
    std::vector<Shape> padded = pending.shapes;
    for (size_t i = 0; i < padded.size(); ++i) {
      for (int d = 1; d < padded[i].rank(); ++d) {
        const bool is_free = !signature_.inputs()[i].shape[static_cast<size_t>(d)].is_constant();
        if (is_free) padded[i][d] = rounded_up(i, d, padded[i][d]);
      }
    }
    pending.is_padded = !(padded == pending.shapes) && signature_.allowed_batch(padded, pending.items) > 0;
    if (pending.is_padded) pending.shapes = std::move(padded);
  }
  const bool allowed = pending.is_batchable ? signature_.allowed_batch(pending.shapes, pending.items) > 0
                                            : signature_.allows(pending.shapes);
  std::string set;
  if (!allowed) {
    for (size_t i = 0; i < pending.shapes.size(); ++i) {
      set += fmt::format("{}'{}' {}", i == 0 ? "" : ", ", signature_.inputs()[i].name, to_string(pending.shapes[i]));
    }
  }
  burnish::check(allowed, ErrorCode::kInvalidArgument,
                 "no profile of the engine allows {} together: rebuild it with a profile that does", set);
  pending.shape_key = has_free_lengths_ ? key_of(pending.shapes) : 0;
}

// Without the batch.
uint64_t RequestCheck::key_of(const std::vector<Shape>& shapes) const {
  std::vector<int64_t> dims;
  for (const Shape& shape : shapes) {
    for (int d = max_batch_ > 0 ? 1 : 0; d < shape.rank(); ++d) dims.push_back(shape[d]);
  }
  return hash64(std::as_bytes(std::span(dims)));
}

void RequestCheck::check_outputs(PendingRequest& pending) const {
  for (const RequestedOutput& output : pending.request.outputs) {
    const size_t o = index_in(signature_.outputs(), output.name, "output");
    burnish::check(std::ranges::find(pending.outputs, o) == pending.outputs.end(), ErrorCode::kInvalidArgument,
                   "output '{}' is requested twice", output.name);
    burnish::check(output.num_classes == 0 || output.target.data == nullptr, ErrorCode::kInvalidArgument,
                   "output '{}' is requested as classes and in shared memory: one of them", output.name);
    pending.outputs.push_back(static_cast<uint32_t>(o));
  }
}

}  // namespace burnish::server
