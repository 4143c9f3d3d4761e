#include "builder/npz.h"

#include "base/file.h"
#include "builder_case.h"

namespace burnish {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// Replaces every occurrence of a little-endian 32-bit number.
std::string replaced(std::string bytes, uint32_t from, uint32_t to) {
  const std::string a(reinterpret_cast<const char*>(&from), 4), b(reinterpret_cast<const char*>(&to), 4);
  for (size_t at = bytes.find(a); at != std::string::npos; at = bytes.find(a, at + 4)) bytes.replace(at, 4, b);
  return bytes;
}

class Npz : public testing::TestWithParam<bool> {
 protected:
  std::string file(const Arrays& arrays) const {
    write_npz(folder_ / "a.npz", arrays, GetParam());
    return folder_ / "a.npz";
  }
  std::string failure(const std::string& path) const {
    return failure_of([&] { read_npz(path); });
  }
  TestFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(, Npz, testing::Bool(), [](const auto& i) { return i.param ? "Compressed" : "Stored"; });

TEST_P(Npz, ArraysComeBackWithNamesShapesAndTypes) {
  const Tensor a = random_floats({5, 3, 7}, 1);
  const Tensor b = ints(DType::kInt64, {4}, {1, -2, 3, 4});
  const auto arrays = read_npz(file({{"a", a}, {"deep/b", b}}));
  ASSERT_EQ(arrays.size(), 2U);
  EXPECT_TRUE(arrays.at("a").identical(a));
  EXPECT_TRUE(arrays.at("deep/b").identical(b));
}

TEST_P(Npz, DamageIsNoticedWhereverItIs) {
  const std::string path = file({{"image", random_floats({100, 8}, 2)}});
  const std::string whole = read_file(path);
  for (const size_t at : {whole.size() / 4, whole.size() / 2}) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    write_file(path, damaged);
    EXPECT_THAT(failure(path), AllOf(StartsWith("invalid_argument: array 'image' of"), HasSubstr("damaged"))) << at;
  }
}

TEST_P(Npz, ATruncatedFileIsNone) {
  const std::string path = file({{"image", random_floats({100, 8}, 2)}});
  const std::string whole = read_file(path);
  for (const size_t size : {size_t{0}, size_t{3}, whole.size() / 2, whole.size() - 1}) {
    write_file(path, whole.substr(0, size));
    EXPECT_THAT(failure(path), AllOf(StartsWith("invalid_argument:"), HasSubstr(path))) << size;
  }
}

TEST_P(Npz, ImpossibleSizesTakeNoMemory) {
  Tensor zeros(DType::kFloat32, {1024});
  std::fill_n(zeros.as<float>(), 1024, 0.0F);
  const std::string path = file({{"bomb", zeros}});
  const std::string whole = read_file(path);
  constexpr uint32_t kEntryBytes = 128 + 4096;
  const std::string bomb = replaced(whole, kEntryBytes, 0xFFFFFF00U);
  ASSERT_NE(bomb, whole);
  write_file(path, bomb);
  // Of stored entries both sizes are the same, and libzip notices that the file ends before.
  EXPECT_THAT(failure(path), AllOf(StartsWith("invalid_argument:"), HasSubstr(path)));
  if (!GetParam()) return;
  EXPECT_THAT(failure(path), AllOf(HasSubstr("array 'bomb' of"), HasSubstr("impossible size")));
}

TEST_P(Npz, WhatIsNoArchiveOfArraysIsRefused) {
  EXPECT_THAT(failure(folder_ / "none.npz"), AllOf(StartsWith("io:"), HasSubstr("none.npz")));
  write_file(folder_ / "text.npz", std::string("this is text"));
  EXPECT_THAT(failure(folder_ / "text.npz"), AllOf(StartsWith("invalid_argument:"), HasSubstr("text.npz")));
  const std::string empty_archive = "PK\x05\x06" + std::string(18, '\0');
  write_file(folder_ / "empty.npz", empty_archive);
  EXPECT_THAT(failure(folder_ / "empty.npz"), AllOf(HasSubstr("empty.npz"), HasSubstr("no arrays")));
}

}  // namespace
}  // namespace burnish
