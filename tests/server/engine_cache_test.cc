#include "server/engine_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "server/folder.h"

namespace burnish::server {
namespace {

using testing::HasSubstr;

class EngineCacheTest : public testing::Test {
 protected:
  EngineCache cache(const std::string& salt = "1.0") {
    return EngineCache(folder.path() + "/cache", salt,
                       [this](const std::string& onnx, const std::string& engine, const auto&) {
                         ++num_builds;
                         write_file(engine, "built from " + read_file(onnx));
                       });
  }
  VersionFolder version() const { return {1, folder.path() + "/m/1", {}}; }

  TestFolder folder;
  ModelConfig config;
  int num_builds = 0;
};

TEST_F(EngineCacheTest, AnEngineIsItsOwn) {
  folder.write("m/1/model.engine", "engine");
  folder.write("m/1/model.onnx", "model");
  EXPECT_EQ(cache().engine_of(version(), config), folder.path() + "/m/1/model.engine");
  EXPECT_FALSE(cache().discard(folder.path() + "/m/1/model.engine"));
  config.default_model_filename = "model.onnx";
  EXPECT_EQ(read_file(cache().engine_of(version(), config)), "built from model");
}

TEST_F(EngineCacheTest, BuildsWhenSomethingThatMattersHasChanged) {
  folder.write("m/1/model.onnx", "model");
  const std::string first = cache().engine_of(version(), config);
  EXPECT_EQ(cache().engine_of(version(), config), first);
  EXPECT_EQ(num_builds, 1);
  folder.write("m/1/weights.bin", "beside the model");
  EXPECT_NE(cache().engine_of(version(), config), first);
  folder.remove("m/1/weights.bin");
  EXPECT_NE(cache("1.1").engine_of(version(), config), first);
  config.parameters["precision"] = "bf16";
  EXPECT_NE(cache().engine_of(version(), config), first);
  EXPECT_EQ(num_builds, 4);
  config.parameters.clear();
  config.instance_groups.emplace_back();
  config.instance_groups[0].kind = "KIND_GPU";
  config.instance_groups[0].gpus = {1};
  EXPECT_NE(cache().engine_of(version(), config), first);
  config.instance_groups.clear();
  EXPECT_EQ(cache().engine_of(version(), config), first);
  EXPECT_TRUE(cache().discard(first));
  cache().engine_of(version(), config);
  EXPECT_EQ(num_builds, 6);
}

TEST_F(EngineCacheTest, SaysWhatIsMissing) {
  const auto error_of = [&](const EngineCache& from) -> std::string {
    try {
      return from.engine_of(version(), config);
    } catch (const Error& error) {
      return error.what();
    }
  };
  folder.write("m/1/readme", "");
  EXPECT_THAT(error_of(cache()), HasSubstr("holds no model.engine or model.onnx"));
  folder.write("m/1/model.onnx", "model");
  EXPECT_THAT(error_of(EngineCache(folder.path(), "", {})), HasSubstr("would have to be built first"));
}

}  // namespace
}  // namespace burnish::server
