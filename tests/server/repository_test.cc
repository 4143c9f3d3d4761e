#include "server/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "server/fake_servable.h"
#include "server/folder.h"

namespace burnish::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A version's file model.engine holds what the fake is to be: anything, or "broken".
class RepositoryTest : public testing::Test {
 protected:
  Repository& open(RepositoryOptions options = {}) {
    options.roots = {folder.path()};
    options.drain_timeout = std::chrono::milliseconds(2000);
    repository_ = std::make_unique<Repository>(
        options, [this](const ModelConfig& config, const ModelFolder&, const VersionFolder& version) {
          const std::string text = read_file(version.path + "/model.engine");
          loads.push_back(fmt::format("{}/{}", config.name, version.number));
          check(text != "broken", ErrorCode::kCorrupt, "it is broken");
          return std::make_shared<FakeServable>(config, std::to_string(version.number));
        });
    repository_->load_startup_models();
    return *repository_;
  }
  Repository& explicitly(std::vector<std::string> startup = {}) {
    RepositoryOptions options;
    options.loads_on_request = true;
    options.startup_models = std::move(startup);
    return open(options);
  }

  /// "a/1 READY, a/2 UNAVAILABLE (reason)"
  std::vector<std::string> index(bool only_ready = false) const {
    std::vector<std::string> lines;
    for (const IndexEntry& entry : repository_->index(only_ready)) {
      lines.push_back(fmt::format("{}/{} {}{}", entry.name, entry.version, entry.state,
                                  entry.reason.empty() ? "" : fmt::format(" ({})", entry.reason)));
    }
    return lines;
  }
  std::string serving(std::string_view model, std::string_view version = {}) const {
    Status status;
    const auto found = repository_->find(model, version, status);
    return found != nullptr ? found->version() : status.message;
  }
  /// Old versions go on a thread of their own.
  static void wait_for_alive(int count) {
    for (int i = 0; i < 2000 && FakeServable::alive != count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(FakeServable::alive, count);
  }

  TestFolder folder;
  std::vector<std::string> loads;

 private:
  std::unique_ptr<Repository> repository_;
};

TEST_F(RepositoryTest, ServesTheNewestVersionOfEveryFolder) {
  folder.write("a/1/model.engine", "x");
  folder.write("a/2/model.engine", "x");
  folder.write("a/10/model.engine", "x");
  folder.write("a/latest/model.engine", "x");
  folder.write("b/1/model.engine", "x");
  folder.write("b/config.json", R"({"version_policy": {"all": {}}})");
  folder.write("b/3/model.engine", "x");
  folder.write("not a name/1/model.engine", "x");
  folder.write("file", "x");
  const Repository& repository = open();
  EXPECT_THAT(index(), ElementsAre("a/10 READY", "b/1 READY", "b/3 READY"));
  EXPECT_TRUE(repository.is_ready());
  EXPECT_EQ(serving("a"), "10");
  EXPECT_EQ(serving("b", "1"), "1");
  EXPECT_THAT(serving("a", "2"), HasSubstr("no version 2 that is ready"));
  EXPECT_THAT(serving("a", "new"), HasSubstr("'new' is no positive integer"));
  EXPECT_THAT(serving("c"), HasSubstr("'c' is not served"));
}

TEST_F(RepositoryTest, ABrokenNewestVersionLeavesTheOneBefore) {
  folder.write("a/1/model.engine", "x");
  folder.write("a/2/model.engine", "broken");
  const Repository& repository = open();
  EXPECT_THAT(index(), ElementsAre("a/1 READY", "a/2 UNAVAILABLE (it is broken)"));
  EXPECT_TRUE(repository.is_ready());
}

TEST_F(RepositoryTest, ModelsThatCannotBeLoadedMakeItUnready) {
  folder.write("a/1/model.engine", "x");
  folder.write("b/1/model.engine", "broken");
  folder.write("c/config.pbtxt", "max_batch_size: \"x\"");
  folder.write("d/readme", "no version");
  const Repository& repository = open();
  EXPECT_FALSE(repository.is_ready());
  EXPECT_EQ(serving("a"), "1");
  EXPECT_THAT(serving("b"), HasSubstr("version 1: it is broken"));
  EXPECT_THAT(serving("c"), HasSubstr("max_batch_size: an integer is wanted"));
  EXPECT_THAT(serving("d"), HasSubstr("holds no version"));
}

TEST_F(RepositoryTest, ANewVersionTakesOverAndTheOldOneGoes) {
  folder.write("a/1/model.engine", "x");
  Repository& repository = open();
  folder.write("a/2/model.engine", "x");
  Status status;
  auto held = repository.find("a", "", status);
  repository.refresh();
  EXPECT_EQ(serving("a"), "2");
  EXPECT_THAT(index(), ElementsAre("a/1 UNLOADING", "a/2 READY"));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(static_cast<FakeServable&>(*held).is_drained);  // somebody still wants to hand a request in
  held.reset();
  wait_for_alive(1);
  EXPECT_THAT(index(), ElementsAre("a/1 UNAVAILABLE (unloaded)", "a/2 READY"));
}

TEST_F(RepositoryTest, BrokenReplacementsChangeNothing) {
  folder.write("a/1/model.engine", "x");
  Repository& repository = open();
  folder.write("a/2/model.engine", "broken");
  repository.refresh();
  EXPECT_EQ(serving("a"), "1");
  folder.write("a/1/model.engine", "broken");
  repository.refresh();
  EXPECT_EQ(serving("a"), "1");
  EXPECT_THAT(index(), ElementsAre("a/1 READY (it is broken)", "a/2 UNAVAILABLE (it is broken)"));
  folder.write("a/config.json", "{");
  repository.refresh();
  EXPECT_EQ(serving("a"), "1");
  EXPECT_TRUE(repository.is_ready());
  loads.clear();
  repository.refresh();
  EXPECT_THAT(loads, ElementsAre());  // what has not changed is not tried again
}

TEST_F(RepositoryTest, SeesChangesOnDisk) {
  folder.write("a/1/model.engine", "x");
  folder.write("b/1/model.engine", "broken");
  Repository& repository = open();
  loads.clear();
  repository.refresh();
  EXPECT_THAT(loads, ElementsAre());
  folder.write("b/1/model.engine", "mended");
  folder.write("c/1/model.engine", "x");
  folder.remove("a");
  repository.refresh();
  EXPECT_THAT(loads, ElementsAre("b/1", "c/1"));
  EXPECT_THAT(index(true), ElementsAre("b/1 READY", "c/1 READY"));
  EXPECT_TRUE(repository.is_ready());
  folder.write("c/config.json", R"({"max_batch_size": 3})");
  repository.refresh();
  Status status;
  EXPECT_EQ(repository.find("c", "", status)->config().max_batch_size, 3);
}

TEST_F(RepositoryTest, ABrokenNewcomerDoesNotMakeItUnready) {
  folder.write("a/1/model.engine", "x");
  Repository& repository = open();
  folder.write("b/1/model.engine", "broken");
  repository.refresh();
  EXPECT_TRUE(repository.is_ready());
  EXPECT_THAT(serving("b"), HasSubstr("it is broken"));
}

TEST_F(RepositoryTest, LoadsAndUnloadsOnRequest) {
  folder.write("a/1/model.engine", "x");
  folder.write("b/1/model.engine", "broken");
  Repository& repository = explicitly();
  EXPECT_TRUE(repository.is_ready());
  EXPECT_THAT(index(), ElementsAre("a/ ", "b/ "));
  EXPECT_TRUE(repository.load("a", "").ok());
  EXPECT_EQ(serving("a"), "1");
  EXPECT_THAT(repository.load("b", "").message, HasSubstr("cannot load model 'b': version 1: it is broken"));
  EXPECT_EQ(repository.load("zzz", "").code, StatusCode::kNotFound);
  EXPECT_EQ(repository.load("../a", "").code, StatusCode::kNotFound);
  EXPECT_TRUE(repository.is_ready());
  EXPECT_TRUE(repository.unload("a", false).ok());
  EXPECT_THAT(serving("a"), HasSubstr("not served"));
  EXPECT_EQ(repository.unload("zzz", false).code, StatusCode::kNotFound);
  wait_for_alive(0);
  repository.refresh();
  EXPECT_THAT(serving("a"), HasSubstr("not served"));
}

TEST_F(RepositoryTest, AConfigurationMayComeWithTheRequest) {
  folder.write("a/1/model.engine", "x");
  Repository& repository = explicitly();
  Status status;
  EXPECT_TRUE(repository.load("a", R"({"max_batch_size": 5})").ok());
  EXPECT_EQ(repository.find("a", "", status)->config().max_batch_size, 5);
  EXPECT_FALSE(repository.load("a", R"({"max_batch": 5})").ok());
  EXPECT_FALSE(repository.load("a", R"({"name": "b"})").ok());
  EXPECT_EQ(repository.find("a", "", status)->config().max_batch_size, 5);
  EXPECT_TRUE(repository.load("a", "").ok());
  EXPECT_EQ(repository.find("a", "", status)->config().max_batch_size, -1);
}

TEST_F(RepositoryTest, StartupModelsOnly) {
  folder.write("a/1/model.engine", "x");
  folder.write("b/1/model.engine", "x");
  EXPECT_TRUE(explicitly({"a"}).is_ready());
  EXPECT_THAT(index(true), ElementsAre("a/1 READY"));
  EXPECT_TRUE(explicitly({"*"}).is_ready());
  EXPECT_THAT(index(true), ElementsAre("a/1 READY", "b/1 READY"));
  EXPECT_FALSE(explicitly({"nowhere"}).is_ready());
}

TEST_F(RepositoryTest, OnlyTheServerLoadsUnlessItIsExplicit) {
  folder.write("a/1/model.engine", "x");
  Repository& repository = open();
  EXPECT_THAT(repository.load("a", "").message, HasSubstr("explicit"));
  EXPECT_THAT(repository.unload("a", false).message, HasSubstr("explicit"));
}

TEST_F(RepositoryTest, NamesAndFilesStayInTheModelsFolder) {
  for (const auto* config : {R"({"default_model_filename": "../../secret"})",
                             R"({"output": [{"name": "y", "label_filename": "/etc/passwd"}]})",
                             R"({"model_warmup": [{"inputs": {"x": {"input_data_file": "../x"}}}]})"}) {
    folder.write("a/1/model.engine", "x");
    folder.write("a/config.json", config);
    open();
    EXPECT_THAT(serving("a"), HasSubstr("is no plain file name")) << config;
  }
}

TEST_F(RepositoryTest, SaysWhatItDoesNotServe) {
  folder.write("a/1/model.engine", "x");
  folder.write("a/config.json", R"({"backend": "python"})");
  open();
  EXPECT_THAT(serving("a"), HasSubstr("backend: 'python'"));
}

TEST(Repository, AMissingRootIsAnError) {
  RepositoryOptions options;
  options.roots = {"/nowhere/at/all"};
  Repository repository(options, {});
  EXPECT_THROW(repository.load_startup_models(), Error);
}

}  // namespace
}  // namespace burnish::server
