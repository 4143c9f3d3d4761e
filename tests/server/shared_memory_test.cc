#include "server/shared_memory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "kernels/cuda/driver.h"

namespace burnish::server {
namespace {

using testing::HasSubstr;

/// Shared memory as a client makes it.
class ClientRegion {
 public:
  explicit ClientRegion(size_t bytes) : key_("/burnish_test_" + std::to_string(getpid())), bytes_(bytes) {
    descriptor_ = shm_open(key_.c_str(), O_CREAT | O_RDWR, 0600);
    EXPECT_EQ(ftruncate(descriptor_, static_cast<off_t>(bytes)), 0);
    data_ = static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0));
  }
  ~ClientRegion() {
    munmap(data_, bytes_);
    close(descriptor_);
    shm_unlink(key_.c_str());
  }
  ClientRegion(const ClientRegion&) = delete;
  ClientRegion& operator=(const ClientRegion&) = delete;
  void truncate(size_t bytes) const { EXPECT_EQ(ftruncate(descriptor_, static_cast<off_t>(bytes)), 0); }
  const std::string& key() const { return key_; }
  char* data() { return data_; }

 private:
  std::string key_;
  size_t bytes_;
  int descriptor_ = -1;
  char* data_ = nullptr;
};

TEST(SharedMemory, ReadsAndWritesWhatTheClientSees) {
  ClientRegion client(10000);
  std::strcpy(client.data() + 5003, "hello");
  SharedMemoryRegistry registry;
  ASSERT_TRUE(registry.add(SharedMemoryRegion{"r", client.key(), 5000, 4000}).ok());
  SharedBytes memory;
  ASSERT_TRUE(registry.find("r", 3, 6, memory).ok());
  EXPECT_STREQ(reinterpret_cast<const char*>(memory.data), "hello");
  ASSERT_TRUE(registry.remove("r", MemoryKind::kSystem).ok());
  std::memcpy(memory.data, "world", 6);  // the owner keeps it
  EXPECT_STREQ(client.data() + 5003, "world");
}

TEST(SharedMemory, RefusesWhatIsNotThere) {
  ClientRegion client(100);
  SharedMemoryRegistry registry;
  const auto refusal = [&](const SharedMemoryRegion& region) {
    const Status status = registry.add(region);
    EXPECT_EQ(status.code, StatusCode::kInvalidArgument);
    return status.message;
  };
  EXPECT_THAT(refusal({"r", "/burnish_no_such_key", 0, 10}), HasSubstr("cannot open key"));
  EXPECT_THAT(refusal({"r", "/../etc/passwd", 0, 10}), HasSubstr("no key"));
  EXPECT_THAT(refusal({"r", "", 0, 10}), HasSubstr("no key"));
  EXPECT_THAT(refusal({"r", client.key(), 0, 0}), HasSubstr("byte_size is 0"));
  EXPECT_THAT(refusal({"r", client.key(), 50, 51}), HasSubstr("lie outside key"));
  EXPECT_THAT(refusal({"r", client.key(), UINT64_MAX, 2}), HasSubstr("lie outside key"));
  EXPECT_THAT(refusal({"", client.key(), 0, 10}), HasSubstr("name is empty"));
  ASSERT_TRUE(registry.add(SharedMemoryRegion{"r", client.key(), 0, 100}).ok());
  EXPECT_THAT(refusal({"r", client.key(), 0, 100}), HasSubstr("in use"));
}

TEST(SharedMemory, BytesMustLieInsideTheRegion) {
  ClientRegion client(100);
  SharedMemoryRegistry registry;
  ASSERT_TRUE(registry.add(SharedMemoryRegion{"r", client.key(), 10, 50}).ok());
  SharedBytes memory;
  EXPECT_TRUE(registry.find("r", 0, 50, memory).ok());
  EXPECT_THAT(registry.find("r", 1, 50, memory).message, HasSubstr("lie outside its 50 bytes"));
  EXPECT_FALSE(registry.find("r", UINT64_MAX, 2, memory).ok());
  EXPECT_THAT(registry.find("other", 0, 1, memory).message, HasSubstr("'other' is not registered"));
}

TEST(SharedMemory, ListsAndRemovesAll) {
  ClientRegion client(100);
  SharedMemoryRegistry registry;
  ASSERT_TRUE(registry.add(SharedMemoryRegion{"a", client.key(), 0, 10}).ok());
  ASSERT_TRUE(registry.add(SharedMemoryRegion{"b", client.key(), 10, 10}).ok());
  std::vector<SharedMemoryRegion> regions;
  ASSERT_TRUE(registry.list("b", regions).ok());
  ASSERT_EQ(regions.size(), 1U);
  EXPECT_EQ(regions[0].offset, 10U);
  EXPECT_EQ(registry.list("c", regions).code, StatusCode::kNotFound);
  ASSERT_TRUE(registry.remove("", MemoryKind::kSystem).ok());
  regions.clear();
  ASSERT_TRUE(registry.list("", regions).ok());
  EXPECT_TRUE(regions.empty());
}

TEST(SharedMemory, AClientThatCutsItsRegionDoesNotEndTheServer) {
  ClientRegion client(1 << 20);
  std::memset(client.data(), 7, 1 << 20);
  SharedMemoryRegistry registry;
  ASSERT_TRUE(registry.add(SharedMemoryRegion{"r", client.key(), 0, 1 << 20}).ok());
  SharedBytes memory;
  ASSERT_TRUE(registry.find("r", 0, 1 << 20, memory).ok());
  client.truncate(4096);
  EXPECT_EQ(memory.data[100], std::byte{7});
  EXPECT_EQ(memory.data[500000], std::byte{0});
}

TEST(SharedMemory, GpuMemoryIsRefusedInWords) {
  SharedMemoryRegistry registry;
  const std::string handle(64, '\0');
  const auto refusal = [&](const CudaMemoryRegion& region) {
    const Status status = registry.add(region);
    EXPECT_EQ(status.code, StatusCode::kInvalidArgument);
    return status.message;
  };
  EXPECT_THAT(refusal({"", handle, 0, 16}), HasSubstr("name is empty"));
  EXPECT_THAT(refusal({"r", handle, 0, 0}), HasSubstr("byte_size is 0"));
  EXPECT_THAT(refusal({"r", handle.substr(1), 0, 16}), HasSubstr("'r': its handle has 63 bytes"));
  EXPECT_THAT(refusal({"r", handle, -1, 16}), HasSubstr("there is no GPU -1"));
  const char* const reason = cuda::driver_available() ? "there is no GPU 1000" : "NVIDIA driver";
  EXPECT_THAT(refusal({"r", handle, 1000, 16}), HasSubstr(reason));
  std::vector<CudaMemoryRegion> regions;
  EXPECT_TRUE(registry.list("", regions).ok());
  EXPECT_TRUE(regions.empty());
  EXPECT_EQ(registry.list("r", regions).code, StatusCode::kNotFound);
}

TEST(SharedMemory, KindsAreRemovedApart) {
  ClientRegion client(100);
  SharedMemoryRegistry registry;
  ASSERT_TRUE(registry.add(SharedMemoryRegion{"r", client.key(), 0, 100}).ok());
  EXPECT_TRUE(registry.remove("", MemoryKind::kCuda).ok());
  EXPECT_TRUE(registry.remove("r", MemoryKind::kCuda).ok());
  SharedBytes memory;
  EXPECT_TRUE(registry.find("r", 0, 100, memory).ok());
}

}  // namespace
}  // namespace burnish::server
