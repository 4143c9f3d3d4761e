#include "base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "base/npy.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("burnish_file_test_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  size_t num_files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  fs::path folder_;
};

TEST_F(FileTest, CommitsWhole) {
  write_file(path("a"), std::string("hello"));
  EXPECT_EQ(read_file(path("a")), "hello");
  write_file(path("a"), std::string("other"));
  EXPECT_EQ(read_file(path("a")), "other");
  EXPECT_EQ(num_files(), 1U);
}

TEST_F(FileTest, AbandonedWritesLeaveNothing) {
  {
    AtomicFile file(path("b"));
    file.write("half", 4);
  }
  EXPECT_EQ(num_files(), 0U);
}

TEST_F(FileTest, PadsToAlignment) {
  AtomicFile file(path("c"));
  file.write("x", 1);
  file.pad_to(64);
  EXPECT_EQ(file.position(), 64U);
  file.pad_to(64);
  file.commit();
  EXPECT_EQ(fs::file_size(path("c")), 64U);
}

TEST_F(FileTest, ErrorsNameTheFile) {
  try {
    read_file(path("missing"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kIo);
    EXPECT_NE(std::string(e.what()).find("missing"), std::string::npos);
  }
  EXPECT_THROW(MappedFile::open(folder_.string()), Error);
  EXPECT_THROW(AtomicFile(path("no/such/folder")), Error);
}

TEST_F(FileTest, NpyRoundTrip) {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{7}, Shape{2, 3, 5}}) {
    Tensor t(DType::kInt64, shape);
    for (int64_t i = 0; i < t.num_elements(); ++i) t.as<int64_t>()[i] = i * 3;
    write_npy(path("t.npy"), t);
    EXPECT_TRUE(read_npy(path("t.npy")).identical(t)) << to_string(shape);
  }
}

TEST_F(FileTest, NpyReadsFortranOrder) {
  std::string header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
  header.append(64 - (10 + header.size() + 1) % 64, ' ').push_back('\n');
  std::string text = std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header;
  const float columns[] = {0, 3, 1, 4, 2, 5};
  text.append(reinterpret_cast<const char*>(columns), sizeof(columns));
  write_file(path("f.npy"), text);
  const Tensor t = read_npy(path("f.npy"));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(t.as<float>()[i], static_cast<float>(i));
}

TEST_F(FileTest, DamagedNpyIsAnError) {
  write_npy(path("t.npy"), Tensor::from_ints(std::vector<int64_t>{1, 2, 3}));
  const std::string good = read_file(path("t.npy"));
  for (size_t n = 0; n < good.size(); ++n) {
    write_file(path("cut.npy"), good.substr(0, n));
    EXPECT_THROW(read_npy(path("cut.npy")), Error) << n;
  }
  for (size_t i = 0; i < 128; ++i) {  // flipped bytes of the header: an error or another array, never a crash
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x15);
    write_file(path("bad.npy"), bad);
    try {
      read_npy(path("bad.npy"));
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace burnish
