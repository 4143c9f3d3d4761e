#pragma once
// Shared memory that clients have registered, of the system and of GPUs, so that tensors need not travel.
#include <map>
#include <memory>
#include <shared_mutex>
#include <variant>

#include "server/inference_server.h"

namespace burnish::server {

enum class MemoryKind { kSystem, kCuda };

/// Thread-safe.
class SharedMemoryRegistry {
 public:
  /// Maps the region. kInvalidArgument names the region and what is wrong, a machine without GPUs included; a name in
  /// use must be unregistered first.
  Status add(const SharedMemoryRegion& region);
  Status add(const CudaMemoryRegion& region);
  /// An empty name: all of the kind. Requests under way keep their mapping.
  Status remove(std::string_view name, MemoryKind kind);
  /// An empty name: all of the kind.
  Status list(std::string_view name, std::vector<SharedMemoryRegion>& out) const;
  Status list(std::string_view name, std::vector<CudaMemoryRegion>& out) const;
  /// Of either kind. Bytes that a client cuts off later read as zeros.
  Status find(std::string_view name, uint64_t offset, uint64_t byte_size, SharedBytes& out) const;

 private:
  /// In the order of MemoryKind.
  using Region = std::variant<SharedMemoryRegion, CudaMemoryRegion>;
  struct Entry {
    Region region;
    uint64_t byte_size = 0;
    SharedBytes memory;
  };
  template <typename Open>
  Status insert(const std::string& name, Entry entry, const Open& open);
  template <typename Kind>
  Status list_of(std::string_view name, std::vector<Kind>& out) const;

  mutable std::shared_mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace burnish::server
