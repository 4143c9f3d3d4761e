#pragma once
// System shared memory that clients have registered, so that tensors need not travel.
#include <map>
#include <memory>
#include <shared_mutex>

#include "server/inference_server.h"

namespace burnish::server {

class SharedMemoryRegistry {
 public:
  /// Maps the region. kInvalidArgument names the region and what is wrong; a name in use must be unregistered first.
  Status add(const SharedMemoryRegion& region);
  /// An empty name: all. Requests under way keep their mapping.
  Status remove(std::string_view name);
  /// An empty name: all.
  Status list(std::string_view name, std::vector<SharedMemoryRegion>& out) const;
  /// `owner` keeps the mapping alive. Bytes that a client cuts off later read as zeros.
  Status find(std::string_view name, uint64_t offset, uint64_t byte_size, std::byte*& data,
              std::shared_ptr<void>& owner) const;

 private:
  struct Mapping;
  struct Entry {
    SharedMemoryRegion region;
    std::shared_ptr<Mapping> mapping;
  };
  mutable std::shared_mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace burnish::server
