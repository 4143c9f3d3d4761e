#include "server/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "server/json_text.h"
#include "server/log_settings.h"
#include "server/utf8.h"

namespace burnish::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct AccessLogTest : ::testing::Test {
  const std::string file = ::testing::TempDir() + "burnish_access_" + std::to_string(getpid());
  ~AccessLogTest() override {
    std::filesystem::remove(file);
    std::filesystem::remove(file + ".old");
  }
  static std::vector<std::string> lines(const std::string& path) {
    std::ifstream stream(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }
};

InferenceServer::Access access_of(std::string_view id) {
  InferenceServer::Access access;
  access.protocol = "http";
  access.peer = "127.0.0.1:1234";
  access.method = "POST";
  access.target = "/v2/models/m/infer";
  access.model = "m";
  access.id = id;
  access.status = 200;
  access.request_bytes = 10;
  access.response_bytes = 20;
  access.duration_us = 30;
  return access;
}

TEST_F(AccessLogTest, ALineIsJsonWhateverIsInIt) {
  const std::string id = "a\"b\\c\n\xff\x01 é";
  const auto json = nlohmann::json::parse(access_line(access_of(id), 1700000000123456));
  EXPECT_EQ(json["time"], "2023-11-14T22:13:20.123456Z");
  EXPECT_EQ(json["protocol"], "http");
  EXPECT_EQ(json["id"], "a\"b\\c\n\u00ff\x01 é");
  EXPECT_EQ(json["status"], 200);
  EXPECT_EQ(json["duration_us"], 30);
}

TEST_F(AccessLogTest, LinesAreInTheFileInOrder) {
  {
    AccessLog log(file);
    for (int i = 0; i < 1000; ++i) log.write(access_of(std::to_string(i)));
  }
  const std::vector<std::string> written = lines(file);
  ASSERT_EQ(written.size(), 1000);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(nlohmann::json::parse(written[i])["id"], std::to_string(i));
}

TEST_F(AccessLogTest, RotatedFilesAreLeftBehind) {
  {
    AccessLog log(file);
    log.write(access_of("before"));
    while (lines(file).empty()) std::this_thread::yield();
    std::filesystem::rename(file, file + ".old");
    log.reopen();
    log.write(access_of("after"));
  }
  EXPECT_THAT(lines(file + ".old"), ElementsAre(HasSubstr("before")));
  EXPECT_THAT(lines(file), ElementsAre(HasSubstr("after")));
}

TEST_F(AccessLogTest, AFileThatCannotBeWrittenIsNamed) {
  try {
    AccessLog log("/nowhere/access.json");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("/nowhere/access.json"));
  }
}

TEST_F(AccessLogTest, WritersDropWhatDoesNotFit) {
  BoundedWriter writer(file, BoundedWriter::Open::kAppend, 10);
  EXPECT_FALSE(writer.append("longer than ten bytes"));
  EXPECT_EQ(writer.num_dropped(), 1);
  EXPECT_TRUE(writer.append("short"));
}

TEST(ServerLog, SettingsChooseWhatIsTold) {
  std::vector<std::string> told;
  ServerLog log([&](LogLevel, const std::string& text) { told.push_back(text); });
  log.log(LogLevel::kInfo, "one");
  log.log(LogLevel::kVerbose, "not yet");
  Settings now;
  ASSERT_TRUE(
      log.settings({{"log_info", {"false"}}, {"log_verbose_level", {"1"}}, {"log_format", {"ISO8601"}}}, now).ok());
  EXPECT_THAT(now, ::testing::Contains(Settings::value_type{"log_verbose_level", {"1"}}));
  log.log(LogLevel::kInfo, "not any more");
  log.log(LogLevel::kVerbose, "two");
  EXPECT_THAT(told, ElementsAre("one", ::testing::MatchesRegex("....-..-..T..:..:..\\.......Z two")));
  EXPECT_THAT(log.settings({{"log_error", {"false"}}, {"log_file", {"/etc/passwd"}}}, now).message,
              HasSubstr("'log_file' cannot be set here"));
  log.log(LogLevel::kError, "three");
  EXPECT_EQ(told.size(), 3) << "nothing was changed";
}

TEST(Utf8, AsUnicodeDefinesIt) {
  for (const std::string good : {"", "plain", "zażółć", "日本", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const std::string bad : {"\x80", "\xc0\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                "\xf5\x80\x80\x80", "a\xc3", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace burnish::server
