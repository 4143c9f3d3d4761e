#include "server/shared_memory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

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
  ASSERT_TRUE(registry.add({"r", client.key(), 5000, 4000}).ok());
  std::byte* data = nullptr;
  std::shared_ptr<void> owner;
  ASSERT_TRUE(registry.find("r", 3, 6, data, owner).ok());
  EXPECT_STREQ(reinterpret_cast<const char*>(data), "hello");
  ASSERT_TRUE(registry.remove("r").ok());
  std::memcpy(data, "world", 6);  // the owner keeps it
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
  ASSERT_TRUE(registry.add({"r", client.key(), 0, 100}).ok());
  EXPECT_THAT(refusal({"r", client.key(), 0, 100}), HasSubstr("in use"));
}

TEST(SharedMemory, BytesMustLieInsideTheRegion) {
  ClientRegion client(100);
  SharedMemoryRegistry registry;
  ASSERT_TRUE(registry.add({"r", client.key(), 10, 50}).ok());
  std::byte* data = nullptr;
  std::shared_ptr<void> owner;
  EXPECT_TRUE(registry.find("r", 0, 50, data, owner).ok());
  EXPECT_THAT(registry.find("r", 1, 50, data, owner).message, HasSubstr("lie outside its 50 bytes"));
  EXPECT_FALSE(registry.find("r", UINT64_MAX, 2, data, owner).ok());
  EXPECT_THAT(registry.find("other", 0, 1, data, owner).message, HasSubstr("'other' is not registered"));
}

TEST(SharedMemory, ListsAndRemovesAll) {
  ClientRegion client(100);
  SharedMemoryRegistry registry;
  ASSERT_TRUE(registry.add({"a", client.key(), 0, 10}).ok());
  ASSERT_TRUE(registry.add({"b", client.key(), 10, 10}).ok());
  std::vector<SharedMemoryRegion> regions;
  ASSERT_TRUE(registry.list("b", regions).ok());
  ASSERT_EQ(regions.size(), 1U);
  EXPECT_EQ(regions[0].offset, 10U);
  EXPECT_EQ(registry.list("c", regions).code, StatusCode::kNotFound);
  ASSERT_TRUE(registry.remove("").ok());
  regions.clear();
  ASSERT_TRUE(registry.list("", regions).ok());
  EXPECT_TRUE(regions.empty());
}

TEST(SharedMemory, AClientThatCutsItsRegionDoesNotEndTheServer) {
  ClientRegion client(1 << 20);
  std::memset(client.data(), 7, 1 << 20);
  SharedMemoryRegistry registry;
  ASSERT_TRUE(registry.add({"r", client.key(), 0, 1 << 20}).ok());
  std::byte* data = nullptr;
  std::shared_ptr<void> owner;
  ASSERT_TRUE(registry.find("r", 0, 1 << 20, data, owner).ok());
  client.truncate(4096);
  EXPECT_EQ(data[100], std::byte{7});
  EXPECT_EQ(data[500000], std::byte{0});
}

}  // namespace
}  // namespace burnish::server
