#include "compile/timing_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"

namespace burnish {
namespace {

class TimingCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "timing_cache_test.txt";
    std::filesystem::remove(path_);
    reporter_.message = [this](LogLevel level, std::string_view text) {
      if (level == LogLevel::kWarning) warnings_.emplace_back(text);
    };
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::string path_;
  Reporter reporter_;
  std::vector<std::string> warnings_;
};

TEST_F(TimingCacheTest, AMissingFileIsAnEmptyCache) {
  EXPECT_EQ(TimingCache::load(path_, reporter_).size(), 0U);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(TimingCacheTest, WhatIsSavedIsFoundAgain) {
  TimingCache cache;
  cache.insert("gemm#1|8x8|MatMul{}(float32[1,2])", 12.34567);
  cache.insert("refused", -1);
  EXPECT_TRUE(cache.changed());
  cache.save(path_, reporter_);

  const TimingCache loaded = TimingCache::load(path_, reporter_);
  EXPECT_EQ(loaded.find("gemm#1|8x8|MatMul{}(float32[1,2])"), 12.346);
  EXPECT_EQ(loaded.find("refused"), -1.0);
  EXPECT_EQ(loaded.find("other"), std::nullopt);
  EXPECT_FALSE(loaded.changed());
}

TEST_F(TimingCacheTest, MeasuredAndLoadedTimesAreTheSameNumbers) {
  TimingCache cache;
  cache.insert("key", 1.0 / 3);
  cache.save(path_, reporter_);
  EXPECT_EQ(cache.find("key"), TimingCache::load(path_, reporter_).find("key"));
}

TEST_F(TimingCacheTest, AKnownTimeStays) {
  TimingCache cache;
  cache.insert("key", 1);
  cache.insert("key", 2);
  EXPECT_EQ(cache.find("key"), 1.0);
}

TEST_F(TimingCacheTest, SavingKeepsWhatOthersWroteMeanwhile) {
  TimingCache first, second;
  first.insert("a", 1);
  second.insert("b", 2);
  first.save(path_, reporter_);
  second.save(path_, reporter_);
  const TimingCache both = TimingCache::load(path_, reporter_);
  EXPECT_EQ(both.find("a"), 1.0);
  EXPECT_EQ(both.find("b"), 2.0);
}

TEST_F(TimingCacheTest, DamagedLinesAreReportedAndTheOthersKept) {
  TimingCache cache;
  for (const char* key : {"first", "second", "third"}) cache.insert(key, 5);
  cache.save(path_, reporter_);
  std::string text = read_file(path_);
  text[text.find("second")] ^= 1;
  write_file(path_, text + "\x80\xff no line of ours\n\n\tx");

  const TimingCache loaded = TimingCache::load(path_, reporter_);
  EXPECT_EQ(loaded.size(), 2U);
  EXPECT_EQ(loaded.find("third"), 5.0);
  EXPECT_THAT(warnings_, testing::ElementsAre(testing::HasSubstr("3 damaged lines ignored")));
}

TEST_F(TimingCacheTest, AnyTruncationIsSurvived) {
  TimingCache cache;
  cache.insert("a key", 5);
  cache.insert("another key", 6);
  cache.save(path_, reporter_);
  const std::string text = read_file(path_);
  for (size_t length = 0; length <= text.size(); ++length) {
    write_file(path_, text.substr(0, length));
    EXPECT_LE(TimingCache::load(path_, reporter_).size(), 2U);
  }
}

}  // namespace
}  // namespace burnish
