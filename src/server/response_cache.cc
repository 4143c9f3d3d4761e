#include "server/response_cache.h"

#include <algorithm>
#include <cstring>

#include "base/tensor.h"

namespace burnish::server {
namespace {

// What an entry takes beside the outputs' bytes, roughly.
constexpr size_t kEntryBytes = 512;

size_t bytes_of(const std::vector<OutputTensor>& outputs) {
  size_t bytes = kEntryBytes;
  for (const OutputTensor& output : outputs) {
    bytes += output.data.size + output.name.size() + sizeof(OutputTensor) + output.shape.size() * sizeof(int64_t);
    for (const std::string& c : output.classes) bytes += c.size() + sizeof(std::string);
  }
  return bytes;
}

// Into memory of their own: an answer may be a small part of a batch's.
std::vector<OutputTensor> copy_of(const std::vector<OutputTensor>& outputs) {
  std::vector<OutputTensor> copies = outputs;
  for (OutputTensor& output : copies) {
    if (output.data.size == 0) continue;
    const std::shared_ptr<void> memory = allocate_aligned(output.data.size);
    std::memcpy(memory.get(), output.data.data, output.data.size);
    output.data.data = static_cast<const std::byte*>(memory.get());
    output.data.owner = memory;
  }
  return copies;
}

}  // namespace

ResponseCache::Key ResponseCache::key_of(uint64_t owner, const InferRequest& request) {
  SecretHash hash;
  hash.add(owner);
  hash.add(request.inputs.size());
  for (const InputTensor& input : request.inputs) {
    hash.add(input.name);
    hash.add(static_cast<uint64_t>(input.dtype));
    hash.add(std::as_bytes(std::span(input.shape)));
    hash.add(std::span(input.data.data, input.data.size));
  }
  for (const RequestedOutput& output : request.outputs) {
    hash.add(output.name);
    hash.add(uint64_t{output.num_classes});
  }
  return hash.digest();
}

bool ResponseCache::is_cacheable(const InferRequest& request) {
  const bool reads_shared = std::ranges::any_of(request.inputs, [](const InputTensor& i) { return i.data.is_shared; });
  const bool writes_shared =
      std::ranges::any_of(request.outputs, [](const RequestedOutput& o) { return o.target.data != nullptr; });
  return !reads_shared && !writes_shared && request.sequence.id.empty();
}

bool ResponseCache::find(const Key& key, InferResponse& response) {
  const std::lock_guard lock(mutex_);
  const auto at = index_.find(key);
  ++(at == index_.end() ? state_.misses : state_.hits);
  if (at == index_.end()) return false;
  entries_.splice(entries_.begin(), entries_, at->second);
  response.outputs = at->second->outputs;
  response.timing.from_cache = true;
  return true;
}

void ResponseCache::insert(const Key& key, uint64_t owner, const InferResponse& response) {
  const size_t bytes = bytes_of(response.outputs);
  if (bytes > capacity_bytes_) return;
  Entry entry{key, owner, copy_of(response.outputs), bytes};
  const std::lock_guard lock(mutex_);
  if (index_.contains(key)) return;
  while (state_.used_bytes + bytes > capacity_bytes_) {
    remove(std::prev(entries_.end()));
    ++state_.evictions;
  }
  entries_.push_front(std::move(entry));
  index_.emplace(key, entries_.begin());
  state_.used_bytes += bytes;
}

void ResponseCache::remove(Entries::iterator entry) {
  state_.used_bytes -= entry->bytes;
  index_.erase(entry->key);
  entries_.erase(entry);
}

void ResponseCache::erase(uint64_t owner) {
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->owner == owner) remove(entry);
    entry = next;
  }
}

ResponseCache::State ResponseCache::state() const {
  const std::lock_guard lock(mutex_);
  State state = state_;
  state.capacity_bytes = capacity_bytes_;
  state.entries = entries_.size();
  return state;
}

}  // namespace burnish::server
