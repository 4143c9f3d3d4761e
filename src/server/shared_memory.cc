#include "server/shared_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "server/bus_error_guard.h"

namespace burnish::server {
namespace {

constexpr size_t kMaxRegions = 4096;
constexpr size_t kMaxNameLength = 255;

Status refuse(const SharedMemoryRegion& region, const std::string& reason) {
  return {StatusCode::kInvalidArgument, fmt::format("shared memory region '{}': {}", region.name, reason)};
}

/// shm_open() takes one name below /dev/shm, never a path.
bool is_key(std::string_view key) {
  const std::string_view name = key.starts_with('/') ? key.substr(1) : key;
  return !name.empty() && name.size() <= kMaxNameLength && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

/// The pages around a region.
struct SharedMemoryRegistry::Mapping {
  Mapping(void* start, size_t mapped_bytes, std::byte* first) : pages(start), size(mapped_bytes), data(first) {
    guard_against_bus_errors(pages, size);
  }
  ~Mapping() {
    forget_guard(pages);
    munmap(pages, size);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  void* pages;
  size_t size;
  std::byte* data;  ///< At the region's offset.
};

Status SharedMemoryRegistry::add(const SharedMemoryRegion& region) {
  if (region.name.empty() || region.name.size() > kMaxNameLength)
    return refuse(region, "its name is empty or too long");
  if (!is_key(region.key)) return refuse(region, fmt::format("'{}' is no key of shm_open()", region.key));
  if (region.byte_size == 0) return refuse(region, "byte_size is 0");
  const Descriptor file(shm_open(region.key.c_str(), O_RDWR | O_CLOEXEC, 0));
  if (file.get() < 0) return refuse(region, fmt::format("cannot open key '{}': {}", region.key, std::strerror(errno)));
  struct stat info {};
  uint64_t end = 0;
  const bool fits = fstat(file.get(), &info) == 0 && !__builtin_add_overflow(region.offset, region.byte_size, &end) &&
                    end <= static_cast<uint64_t>(info.st_size);
  if (!fits) {
    return refuse(region, fmt::format("offset {} and byte_size {} lie outside key '{}' of {} bytes", region.offset,
                                      region.byte_size, region.key, info.st_size));
  }
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t start = region.offset / page * page;
  const std::lock_guard lock(mutex_);
  if (entries_.contains(region.name)) return refuse(region, "the name is in use; unregister it first");
  if (entries_.size() >= kMaxRegions) return refuse(region, fmt::format("{} regions are the most", kMaxRegions));
  void* pages = mmap(nullptr, end - start, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), static_cast<off_t>(start));
  if (pages == MAP_FAILED) return refuse(region, fmt::format("cannot map it: {}", std::strerror(errno)));
  auto mapping =
      std::make_shared<Mapping>(pages, end - start, static_cast<std::byte*>(pages) + (region.offset - start));
  entries_.emplace(region.name, Entry{region, std::move(mapping)});
  return {};
}

Status SharedMemoryRegistry::remove(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (name.empty()) {
    entries_.clear();
    return {};
  }
  // Triton answers success for names that are not registered, and its clients rely on it when they clean up.
  const auto found = entries_.find(name);
  if (found != entries_.end()) entries_.erase(found);
  return {};
}

Status SharedMemoryRegistry::list(std::string_view name, std::vector<SharedMemoryRegion>& out) const {
  const std::shared_lock lock(mutex_);
  if (!name.empty() && !entries_.contains(name)) {
    return {StatusCode::kNotFound, fmt::format("shared memory region '{}' is not registered", name)};
  }
  for (const auto& [key, entry] : entries_) {
    if (name.empty() || name == key) out.push_back(entry.region);
  }
  return {};
}

Status SharedMemoryRegistry::find(std::string_view name, uint64_t offset, uint64_t byte_size, std::byte*& data,
                                  std::shared_ptr<void>& owner) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return {StatusCode::kInvalidArgument, fmt::format("shared memory region '{}' is not registered", name)};
  }
  const Entry& entry = found->second;
  uint64_t end = 0;
  if (__builtin_add_overflow(offset, byte_size, &end) || end > entry.region.byte_size) {
    return refuse(entry.region, fmt::format("offset {} and byte_size {} lie outside its {} bytes", offset, byte_size,
                                            entry.region.byte_size));
  }
  data = entry.mapping->data + offset;
  owner = entry.mapping;
  return {};
}

}  // namespace burnish::server
