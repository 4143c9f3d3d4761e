#include "server/shared_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "base/error.h"
#include "kernels/cuda/device.h"
#include "server/bus_error_guard.h"

namespace burnish::server {
namespace {

constexpr size_t kMaxRegions = 4096;
constexpr size_t kMaxNameLength = 255;

Status refuse(std::string_view region, const std::string& reason) {
  return {StatusCode::kInvalidArgument, fmt::format("shared memory region '{}': {}", region, reason)};
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

/// The pages around a region.
struct Mapping {
  Mapping(void* start, size_t mapped_bytes) : pages(start), size(mapped_bytes) {
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
};

/// Bytes `begin` to `end` of a file. Throws.
SharedBytes map(const Descriptor& file, uint64_t begin, uint64_t end) {
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t start = begin / page * page;
  void* pages = mmap(nullptr, end - start, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), static_cast<off_t>(start));
  check(pages != MAP_FAILED, ErrorCode::kInvalidArgument, "cannot map it: {}", std::strerror(errno));
  return {static_cast<std::byte*>(pages) + (begin - start), std::make_shared<Mapping>(pages, end - start)};
}

SharedBytes open_on_gpu(const CudaMemoryRegion& region) {
  cuda::IpcHandle handle;
  std::memcpy(handle.bytes.data(), region.handle.data(), handle.bytes.size());
  const cuda::Device& device = cuda::Device::get(static_cast<int>(region.device));
  std::shared_ptr<void> memory = device.open_exported(handle, region.byte_size);
  return {static_cast<std::byte*>(memory.get()), memory, device.ordinal()};
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength;
}

}  // namespace

/// Puts the entry in the table, with the memory that open() returns; what it throws is the region's fault.
template <typename Open>
Status SharedMemoryRegistry::insert(const std::string& name, Entry entry, const Open& open) {
  const std::lock_guard lock(mutex_);
  if (entries_.contains(name)) return refuse(name, "the name is in use; unregister it first");
  if (entries_.size() >= kMaxRegions) return refuse(name, fmt::format("{} regions are the most", kMaxRegions));
  try {
    entry.memory = open();
  } catch (const Error& error) {
    return refuse(name, error.message());
  }
  entries_.emplace(name, std::move(entry));
  return {};
}

Status SharedMemoryRegistry::add(const SharedMemoryRegion& region) {
  if (!is_name(region.name)) return refuse(region.name, "its name is empty or too long");
  if (!is_key(region.key)) return refuse(region.name, fmt::format("'{}' is no key of shm_open()", region.key));
  if (region.byte_size == 0) return refuse(region.name, "byte_size is 0");
  const Descriptor file(shm_open(region.key.c_str(), O_RDWR | O_CLOEXEC, 0));
  if (file.get() < 0) {
    return refuse(region.name, fmt::format("cannot open key '{}': {}", region.key, std::strerror(errno)));
  }
  struct stat info {};
  uint64_t end = 0;
  const bool fits = fstat(file.get(), &info) == 0 && !__builtin_add_overflow(region.offset, region.byte_size, &end) &&
                    end <= static_cast<uint64_t>(info.st_size);
  if (!fits) {
    return refuse(region.name, fmt::format("offset {} and byte_size {} lie outside key '{}' of {} bytes", region.offset,
                                           region.byte_size, region.key, info.st_size));
  }
  return insert(region.name, {region, region.byte_size, {}}, [&] { return map(file, region.offset, end); });
}

Status SharedMemoryRegistry::add(const CudaMemoryRegion& region) {
  if (!is_name(region.name)) return refuse(region.name, "its name is empty or too long");
  if (region.byte_size == 0) return refuse(region.name, "byte_size is 0");
  constexpr size_t kHandleBytes = sizeof(cuda::IpcHandle);
  if (region.handle.size() != kHandleBytes) {
    return refuse(region.name, fmt::format("its handle has {} bytes; those of cudaIpcGetMemHandle() have {}",
                                           region.handle.size(), kHandleBytes));
  }
  if (region.device < 0 || region.device > INT32_MAX) {
    return refuse(region.name, fmt::format("there is no GPU {}", region.device));
  }
  return insert(region.name, {region, region.byte_size, {}}, [&] { return open_on_gpu(region); });
}

Status SharedMemoryRegistry::remove(std::string_view name, MemoryKind kind) {
  const auto is_of_kind = [&](const auto& item) { return item.second.region.index() == static_cast<size_t>(kind); };
  const std::lock_guard lock(mutex_);
  if (name.empty()) {
    std::erase_if(entries_, is_of_kind);
    return {};
  }
  // Triton answers success for names that are not registered, and its clients rely on it when they clean up.
  const auto found = entries_.find(name);
  if (found != entries_.end() && is_of_kind(*found)) entries_.erase(found);
  return {};
}

template <typename Kind>
Status SharedMemoryRegistry::list_of(std::string_view name, std::vector<Kind>& out) const {
  const size_t before = out.size();
  const std::shared_lock lock(mutex_);
  for (const auto& [key, entry] : entries_) {
    const Kind* region = std::get_if<Kind>(&entry.region);
    if (region != nullptr && (name.empty() || name == key)) out.push_back(*region);
  }
  if (name.empty() || out.size() > before) return {};
  return {StatusCode::kNotFound, fmt::format("shared memory region '{}' is not registered", name)};
}

Status SharedMemoryRegistry::list(std::string_view name, std::vector<SharedMemoryRegion>& out) const {
  return list_of(name, out);
}

Status SharedMemoryRegistry::list(std::string_view name, std::vector<CudaMemoryRegion>& out) const {
  return list_of(name, out);
}

Status SharedMemoryRegistry::find(std::string_view name, uint64_t offset, uint64_t byte_size, SharedBytes& out) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return {StatusCode::kInvalidArgument, fmt::format("shared memory region '{}' is not registered", name)};
  }
  const Entry& entry = found->second;
  uint64_t end = 0;
  if (__builtin_add_overflow(offset, byte_size, &end) || end > entry.byte_size) {
    return refuse(
        name, fmt::format("offset {} and byte_size {} lie outside its {} bytes", offset, byte_size, entry.byte_size));
  }
  out = entry.memory;
  out.data += offset;
  return {};
}

}  // namespace burnish::server
