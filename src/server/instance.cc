#include "server/instance.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/tensor.h"
#include "server/classification.h"
#include "server/gpu_copy.h"
#include "server/inference_server.h"
#include "server/tensor_copy.h"

namespace burnish::server {
namespace {

// Below so many bytes copying is cheaper than binding the context's steps to other memory.
constexpr size_t kCopiedBytes = 4096;

uint64_t nanoseconds(Clock::duration duration) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

bool is_aligned(const void* data, size_t alignment) {
  return reinterpret_cast<uintptr_t>(data) % alignment == 0;
}

int64_t elements_of(std::span<const int64_t> dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
}

size_t rounded(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

Status status_of(const std::exception& error) {
  if (const auto* e = dynamic_cast<const Exception*>(&error)) {
    const bool is_input = e->code() == "invalid_argument" || e->code() == "invalid_model";
    const bool is_memory = e->code() == "out_of_memory";
    const StatusCode code = is_input    ? StatusCode::kInvalidArgument
                            : is_memory ? StatusCode::kResourceExhausted
                                        : StatusCode::kInternal;
    return {e->code() == "unsupported" ? StatusCode::kUnsupported : code, e->what()};
  }
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return {StatusCode::kResourceExhausted, "out of memory"};
  if (const auto* e = dynamic_cast<const Error*>(&error)) {
    const StatusCode code = e->code() == ErrorCode::kInvalidArgument ? StatusCode::kInvalidArgument
                            : e->code() == ErrorCode::kOutOfMemory   ? StatusCode::kResourceExhausted
                                                                     : StatusCode::kInternal;
    return {code, e->what()};
  }
  return {StatusCode::kInternal, error.what()};
}

Instance::Instance(const ModelContext& model, int device, int threads)
    : model_(model),
      context_(model.engines.at(device).create_context(threads)),
      gpu_(model.signature.is_for_gpu() ? device : -1),
      buffers_(model.signature.inputs().size()),
      places_(model.signature.outputs().size()) {}

std::byte* Instance::InputBuffer::reserve(size_t bytes) {
  if (bytes > capacity || memory == nullptr) {
    memory.reset();
    memory = allocate_aligned(bytes);
    capacity = bytes;
  }
  return static_cast<std::byte*>(memory.get());
}

void Instance::execute(const Batch& batch, std::vector<InferResponse>& responses, InferTiming& timing) {
  responses.clear();
  responses.resize(batch.requests.size());
  const std::span<const PendingPtr> all(batch.requests);
  try {
    execute_together(all, responses, timing);
    return;
  } catch (const std::exception& e) {
    if (all.size() == 1) responses[0] = {};
    if (all.size() == 1) responses[0].status = status_of(e);
  }
  // One of many is to blame: the others get their answers.
  for (size_t r = 0; r < all.size() && all.size() > 1; ++r) {
    std::vector<InferResponse> one(1);
    try {
      execute_together(all.subspan(r, 1), one, timing);
    } catch (const std::exception& e) {
      one[0] = {};
      one[0].status = status_of(e);
    }
    responses[r] = std::move(one[0]);
  }
}

void Instance::execute_together(std::span<const PendingPtr> requests, std::vector<InferResponse>& responses,
                                InferTiming& timing) {
  const auto begin = Clock::now();
  set_shapes(requests);
  for (size_t i = 0; i < buffers_.size(); ++i) gather(requests, i);
  context_.prepare();
  find_needed_outputs(requests);
  place_outputs(requests);
  const auto gathered = Clock::now();
  context_.execute();
  const auto executed = Clock::now();
  collect_outputs();
  int64_t first_item = 0;
  for (size_t r = 0; r < requests.size(); ++r) {
    try {
      answer(*requests[r], first_item, responses[r]);
    } catch (const std::exception& e) {
      responses[r].outputs.clear();
      responses[r].status = status_of(e);
    }
    first_item += requests[r]->items;
  }
  timing.input_ns = nanoseconds(gathered - begin);
  timing.infer_ns = nanoseconds(executed - gathered);
  timing.output_ns = nanoseconds(Clock::now() - executed);
  timing.batch_size = static_cast<uint32_t>(first_item);
}

void Instance::set_shapes(std::span<const PendingPtr> requests) {
  const PendingRequest& first = *requests[0];
  int64_t items = 0;
  for (const PendingPtr& r : requests) items += r->items;
  executed_items_ = first.is_batchable ? model_.signature.allowed_batch(first.shapes, items) : items;
  check(executed_items_ > 0, ErrorCode::kInvalidArgument, "no profile of the engine allows a batch of {}", items);
  for (size_t i = 0; i < first.shapes.size(); ++i) {
    Shape shape = first.shapes[i];
    if (first.is_batchable) shape[0] = executed_items_;
    context_.set_input_shape(model_.signature.inputs()[i].name, shape.dims());
  }
}

void Instance::gather(std::span<const PendingPtr> requests, size_t input) {
  if (requests.size() == 1 && bind_directly(*requests[0], input)) return;
  const TensorSpec& spec = model_.signature.inputs()[input];
  Shape item = requests[0]->shapes[input];
  if (requests[0]->is_batchable) item[0] = 1;
  const size_t item_bytes = static_cast<size_t>(item.num_elements()) * spec.element_bytes;
  const size_t bytes = item_bytes * (requests[0]->is_batchable ? static_cast<size_t>(executed_items_) : 1);
  std::byte* to = buffers_[input].reserve(bytes);
  const std::byte* end = to + bytes;
  context_.set_input(spec.name, to);
  for (const PendingPtr& request : requests) {
    copy_item(*request, input, to);
    to += item_bytes * (request->is_batchable ? static_cast<size_t>(request->items) : 1);
  }
  if (to < end) std::memset(to, 0, static_cast<size_t>(end - to));  // to the fewest items that a profile takes
}

// True where the request's own memory can be read during the execution. Of a GPU also what its client may change
// meanwhile: kernels there trust no index.
bool Instance::bind_directly(const PendingRequest& request, size_t input) {
  const TensorSpec& spec = model_.signature.inputs()[input];
  const Bytes& data = request.request.inputs[request.inputs[input]].data;
  const bool readable = data.gpu < 0 ? data.size > kCopiedBytes && !data.is_shared : data.gpu == gpu_;
  const bool usable = readable && !request.is_padded && spec.dtype != DataType::kBool &&
                      is_aligned(data.data, spec.element_bytes) &&
                      (!request.is_batchable || request.items == executed_items_);
  if (usable) context_.set_input(spec.name, data.data);
  return usable;
}

void Instance::copy_item(const PendingRequest& request, size_t input, std::byte* to) const {
  const TensorSpec& spec = model_.signature.inputs()[input];
  const InputTensor& tensor = request.request.inputs[request.inputs[input]];
  const Shape& shape = request.shapes[input];
  std::shared_ptr<void> copy;
  const std::byte* data = on_host(tensor.data, copy);
  if (request.is_padded && !std::ranges::equal(shape.dims(), tensor.shape)) {
    const size_t bytes = static_cast<size_t>(shape.num_elements()) * spec.element_bytes;
    std::memset(to, 0, bytes);
    copy_common_box(data, tensor.shape, to, shape.dims(), spec.element_bytes);
    if (spec.dtype == DataType::kBool) copy_bools(to, to, bytes);
  } else if (spec.dtype == DataType::kBool) {
    copy_bools(data, to, tensor.data.size);
  } else if (tensor.data.size > 0) {
    std::memcpy(to, data, tensor.data.size);
  }
}

void Instance::find_needed_outputs(std::span<const PendingPtr> requests) {
  for (OutputPlace& place : places_) place = {};
  for (const PendingPtr& request : requests) {
    for (const uint32_t o : request->outputs) places_[o].is_needed = true;
    if (!request->outputs.empty()) continue;
    for (OutputPlace& place : places_) place.is_needed = true;
  }
}

// Answers share the memory that the engine writes to. What is small, or whose size is not known yet, is computed in the
// context's memory and copied.
void Instance::place_outputs(std::span<const PendingPtr> requests) {
  const auto& specs = model_.signature.outputs();
  size_t total = 0;
  for (size_t o = 0; o < places_.size(); ++o) {
    if (!places_[o].is_needed || context_.depends_on_data(specs[o].name)) continue;
    places_[o].data.size = context_.output_bytes(specs[o].name);
    if (requests.size() > 1 || !place_directly(*requests[0], o)) total += rounded(places_[o].data.size);
  }
  const bool copies = total <= kCopiedBytes;
  std::shared_ptr<void> block = copies ? nullptr : allocate_aligned(total);
  auto* next = static_cast<std::byte*>(block.get());
  for (size_t o = 0; o < places_.size(); ++o) {
    Bytes& data = places_[o].data;
    if (data.owner != nullptr) continue;
    if (copies || data.size == 0) {
      context_.set_output(specs[o].name, nullptr, 0);
      continue;
    }
    data.data = next;
    data.owner = block;
    context_.set_output(specs[o].name, next, data.size);
    next += rounded(data.size);
  }
}

// True where the client's own memory of this GPU takes the output.
bool Instance::place_directly(const PendingRequest& request, size_t output) {
  Bytes& data = places_[output].data;
  const auto at = std::ranges::find(request.outputs, output);
  if (at == request.outputs.end() || data.size == 0) return false;
  const RequestedOutput& wanted = request.request.outputs[static_cast<size_t>(at - request.outputs.begin())];
  const bool usable = wanted.target.gpu >= 0 && wanted.target.gpu == gpu_ && data.size <= wanted.capacity &&
                      !request.is_padded && (!request.is_batchable || request.items == executed_items_);
  if (!usable) return false;
  data = {wanted.target.data, data.size, wanted.target.owner, true, gpu_};
  context_.set_output(model_.signature.outputs()[output].name, wanted.target.data, wanted.capacity);
  return true;
}

void Instance::collect_outputs() {
  const auto& specs = model_.signature.outputs();
  size_t total = 0;
  for (size_t o = 0; o < places_.size(); ++o) {
    if (!places_[o].is_needed) continue;
    places_[o].shape = context_.output_shape(specs[o].name);
    places_[o].data.size = context_.output_bytes(specs[o].name);
    if (places_[o].data.owner == nullptr) total += rounded(places_[o].data.size);
  }
  const std::shared_ptr<void> block = total > 0 ? allocate_aligned(total) : nullptr;
  auto* next = static_cast<std::byte*>(block.get());
  for (size_t o = 0; o < places_.size(); ++o) {
    Bytes& data = places_[o].data;
    if (!places_[o].is_needed || data.owner != nullptr || data.size == 0) continue;
    std::memcpy(next, context_.output(specs[o].name), data.size);
    data.data = next;
    data.owner = block;
    next += rounded(data.size);
  }
}

void Instance::answer(const PendingRequest& request, int64_t first_item, InferResponse& response) {
  const auto& wanted = request.request.outputs;
  for (size_t w = 0; w < wanted.size(); ++w) {
    add_output(request, request.outputs[w], &wanted[w], first_item, response);
  }
  for (size_t o = 0; wanted.empty() && o < places_.size(); ++o) add_output(request, o, nullptr, first_item, response);
}

OutputTensor Instance::slice(const PendingRequest& request, size_t output, int64_t first_item) const {
  const OutputPlace& place = places_[output];
  OutputTensor tensor;
  tensor.name = model_.signature.outputs()[output].name;
  tensor.dtype = model_.signature.outputs()[output].dtype;
  tensor.shape = place.shape;
  tensor.data = place.data;
  if (!request.is_batchable) return tensor;
  check(!place.shape.empty() && place.shape[0] == executed_items_, ErrorCode::kInternal,
        "output '{}' {} of a batch of {} is not one entry an item: set max_batch_size to 0", tensor.name,
        dims_text(place.shape), executed_items_);
  const size_t item_bytes = place.data.size / static_cast<size_t>(executed_items_);
  tensor.shape[0] = request.items;
  tensor.data.data += item_bytes * static_cast<size_t>(first_item);
  tensor.data.size = item_bytes * static_cast<size_t>(request.items);
  if (request.is_padded) crop(request, output, tensor);
  return tensor;
}

// To what the request's own lengths give.
void Instance::crop(const PendingRequest& request, size_t output, OutputTensor& tensor) const {
  std::vector<Shape> own;
  for (const uint32_t t : request.inputs) own.emplace_back(std::span(request.request.inputs[t].shape));
  const Shape shape = model_.signature.output_shape(output, model_.signature.symbols_of(own));
  if (std::ranges::equal(shape.dims(), tensor.shape)) return;
  const size_t element = model_.signature.outputs()[output].element_bytes;
  const size_t bytes = static_cast<size_t>(shape.num_elements()) * element;
  const std::shared_ptr<void> memory = allocate_aligned(bytes);
  copy_common_box(tensor.data.data, tensor.shape, static_cast<std::byte*>(memory.get()), shape.dims(), element);
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.data = {static_cast<const std::byte*>(memory.get()), bytes, memory, false};
}

void Instance::add_output(const PendingRequest& request, size_t output, const RequestedOutput* wanted,
                          int64_t first_item, InferResponse& response) const {
  OutputTensor tensor = slice(request, output, first_item);
  if (wanted != nullptr) tensor.binary = wanted->binary;
  if (wanted != nullptr && wanted->num_classes > 0) classify_items(request, output, wanted->num_classes, tensor);
  if (wanted != nullptr && wanted->target.data != nullptr) {
    check(tensor.data.size <= wanted->capacity, ErrorCode::kInvalidArgument,
          "output '{}' {} takes {} bytes, but the shared memory given for it has {}", tensor.name,
          dims_text(tensor.shape), tensor.data.size, wanted->capacity);
    if (tensor.data.data != wanted->target.data) write_to(wanted->target, tensor.data);
    tensor.shared_bytes = tensor.data.size;
    tensor.data = {};
  }
  response.outputs.push_back(std::move(tensor));
}

void Instance::classify_items(const PendingRequest& request, size_t output, uint32_t count,
                              OutputTensor& tensor) const {
  const size_t element = model_.signature.outputs()[output].element_bytes;
  const int64_t items = request.is_batchable ? request.items : 1;
  const size_t per_item = static_cast<size_t>(elements_of(tensor.shape) / items);
  const std::byte* data = tensor.data.data;
  for (int64_t i = 0; i < items; ++i, data += per_item * element) {
    const auto classes = classify(tensor.dtype, data, per_item, count, model_.labels[output]);
    tensor.classes.insert(tensor.classes.end(), classes.begin(), classes.end());
  }
  const auto each = static_cast<int64_t>(std::min<size_t>(count, per_item));
  tensor.shape = request.is_batchable ? std::vector<int64_t>{items, each} : std::vector<int64_t>{each};
  tensor.data = {};
}

}  // namespace burnish::server
