#include "quantize/ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <filesystem>
#include <limits>
#include <random>

#include "base/error.h"
#include "base/file.h"

namespace burnish {
namespace {

using testing::HasSubstr;

constexpr char kHeader[] = "burnish-ranges 1 model \"abc\"\n";

Error error_of(const std::string& text) {
  try {
    RangeTable::parse(text, "m.ranges");
  } catch (const Error& e) {
    return e;
  }
  return Error(ErrorCode::kInternal, "no error at all");
}

void expect_error(const std::string& body, const std::string& line, const std::string& message) {
  const Error e = error_of(kHeader + body);
  EXPECT_EQ(e.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(e.what(), HasSubstr("m.ranges:" + line));
  EXPECT_THAT(e.what(), HasSubstr(message));
}

void expect_same(const RangeTable& a, const RangeTable& b) {
  EXPECT_EQ(a.fingerprint(), b.fingerprint());
  ASSERT_EQ(a.names(), b.names());
  for (const std::string& name : a.names()) EXPECT_EQ(*a.find(name), *b.find(name)) << name;
}

RangeTable sample_table() {
  RangeTable table("model of \"everyone\"");
  table.set("conv1", {{-1.5F, 2.25F}, 128, Calibrator::kEntropy});
  table.set("/layer1/0/Relu_output:0", {{0, 0.1F}, 128, Calibrator::kMse});
  table.set("with space", {{-1e-45F, 3.4028235e38F}, 1, Calibrator::kPercentile});
  table.set("#comment", {{0, 0}, 0, Calibrator::kMinMax});
  table.set("quote\" back\\slash\ttab\nline\rreturn\x01\x7f", {{-1, 1}, 9, Calibrator::kMinMax});
  table.set("größe#1", {{-1.0F / 3, 2.0F / 3}, 1, Calibrator::kMinMax});
  return table;
}

TEST(Ranges, TextIsWhatTheHeaderSays) {
  RangeTable table("abc");
  table.set("conv1", {{-1.5F, 2.25F}, 128, Calibrator::kEntropy});
  table.set("a b", {{0, 0.1F}, 4, Calibrator::kMse});
  EXPECT_EQ(table.to_text(), std::string(kHeader) +
                                 "# tensor low high samples calibrator\n"
                                 "conv1 -1.5 2.25 128 entropy\n"
                                 "\"a b\" 0 0.1 4 mse\n");
}

TEST(Ranges, RoundTripIsExact) {
  const RangeTable table = sample_table();
  const RangeTable again = RangeTable::parse(table.to_text(), "text");
  expect_same(again, table);
  EXPECT_EQ(again.to_text(), table.to_text());
}

TEST(Ranges, RandomFloatsRoundTrip) {
  std::mt19937_64 random(1);
  RangeTable table;
  for (int i = 0; i < 2000; ++i) {
    const auto a = std::bit_cast<float>(static_cast<uint32_t>(random()));
    const auto b = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (!std::isfinite(a) || !std::isfinite(b)) continue;
    table.set("t" + std::to_string(i), {{std::min(a, b), std::max(a, b)}, i, Calibrator::kMse});
  }
  expect_same(RangeTable::parse(table.to_text(), "text"), table);
}

TEST(Ranges, PeopleMayEdit) {
  const RangeTable table = RangeTable::parse(std::string(kHeader) +
                                                 "\r\n  # a comment\r\n\n\tx  -1   1e1 7 mse   # and another\r\n"
                                                 "y#1 0 1 7 minmax",
                                             "text");
  ASSERT_EQ(table.size(), 2U);
  EXPECT_EQ(*table.find("x"), (TensorRange{{-1, 10}, 7, Calibrator::kMse}));
  EXPECT_NE(table.find("y#1"), nullptr);
  EXPECT_EQ(table.find("z"), nullptr);
}

TEST(Ranges, ErrorsNameFileLineAndExpectation) {
  expect_error("x 0 1 7\n", "2", "expected '<tensor> <low> <high> <samples> <calibrator>', found 4 words");
  expect_error("# fine\nx 0 one 7 mse\n", "3", "high must be a number that a float can hold, not \"one\"");
  expect_error("x 0 1e99 7 mse\n", "2", "high must be a number that a float can hold");
  expect_error("x 0 1,5 7 mse\n", "2", "high must be a number");
  expect_error("x nan 1 7 mse\n", "2", "must be finite");
  expect_error("x 0 inf 7 mse\n", "2", "must be finite");
  expect_error("x 2 1 7 mse\n", "2", "the range [2, 1] of 'x' must have its lower end first");
  expect_error("x 0 1 7.5 mse\n", "2", "samples must be a number without a point");
  expect_error("x 0 1 99999999999999999999 mse\n", "2", "samples must be a number");
  expect_error("x 0 1 -1 mse\n", "2", "cannot have been seen in -1 samples");
  expect_error("x 0 1 7 best\n", "2", "unknown calibrator 'best': choose one of minmax");
  expect_error("x 0 1 7 mse\ny 0 1 7 mse\nx 0 2 7 mse\n", "4", "'x' is there twice");
  expect_error("\"x 0 1 7 mse\n", "2", "no closing quote");
  expect_error("\"x\"0 1 7 mse 4\n", "2", "a space is expected after a closing quote");
  expect_error("\"\\q\" 0 1 7 mse\n", "2", "unknown escape");
  expect_error("\"\\x4\" 0 1 7 mse\n", "2", "two hexadecimal digits");
  expect_error("\"\" 0 1 7 mse\n", "2", "1 to 4096");
  expect_error(std::string(5000, 'n') + " 0 1 7 mse\n", "2", "5000 bytes");
}

TEST(Ranges, HeadersOfOtherFiles) {
  EXPECT_THAT(error_of("").what(), HasSubstr("m.ranges:1: the first line must be"));
  EXPECT_THAT(error_of("TRT-8601-EntropyCalibration2\n").what(), HasSubstr("this is no calibration cache"));
  EXPECT_EQ(error_of("burnish-ranges 2 model \"abc\"\n").code(), ErrorCode::kMismatch);
  EXPECT_THAT(error_of("burnish-ranges 2 model \"abc\"\n").what(), HasSubstr("version \"2\" cannot be read, only 1"));
  EXPECT_EQ(error_of("burnish-ranges 1\n").code(), ErrorCode::kCorrupt);
}

TEST(Ranges, SetRefusesWhatCouldNotBeRead) {
  RangeTable table;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(table.set("x", {{nan, 1}, 1, Calibrator::kMse}), Error);
  EXPECT_THROW(table.set("x", {{1, 0}, 1, Calibrator::kMse}), Error);
  EXPECT_THROW(table.set("", {{0, 1}, 1, Calibrator::kMse}), Error);
  EXPECT_EQ(table.size(), 0U);
  table.set("x", {{0, 1}, 1, Calibrator::kMse});
  table.set("x", {{0, 2}, 1, Calibrator::kMse});
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.find("x")->range.high, 2);
}

TEST(Ranges, CachesOfOtherModelsAreRefused) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("burnish_ranges_" + std::to_string(::getpid()))).string();
  sample_table().save(path);
  expect_same(RangeTable::load(path, "model of \"everyone\""), sample_table());
  expect_same(RangeTable::load(path, ""), sample_table());
  try {
    RangeTable::load(path, "mine");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
    EXPECT_THAT(e.what(), HasSubstr("is of model 'model of \"everyone\"', this model is 'mine'"));
  }
  std::filesystem::remove(path);
  EXPECT_THROW(RangeTable::load(path, ""), Error);
}

TEST(Ranges, MutatedTextIsReadOrRefused) {
  const std::string good = sample_table().to_text();
  const std::string bytes("\"\\#\n\r\t x0123456789.-+einf\0\xff", 28);
  std::mt19937_64 random(7);
  int num_read = 0, num_refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = good;
    for (uint64_t n = random() % 4 + 1; n > 0; --n) {
      const size_t at = random() % text.size();
      const char byte = bytes[random() % bytes.size()];
      const uint64_t kind = random() % 4;
      if (kind == 0) text[at] = byte;
      if (kind == 1) text.insert(at, 1, byte);
      if (kind == 2) text.erase(at, random() % 9);
      if (kind == 3) text.insert(at, text.substr(random() % text.size(), random() % 60));
      if (text.empty()) text = "x";
    }
    try {
      const RangeTable table = RangeTable::parse(text, "mutant");
      expect_same(RangeTable::parse(table.to_text(), "again"), table);
      ++num_read;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("mutant:"));
      ++num_refused;
    }
  }
  EXPECT_GT(num_read, 1000);
  EXPECT_GT(num_refused, 1000);
}

}  // namespace
}  // namespace burnish
