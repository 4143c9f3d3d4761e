#include "builder/metric_command.h"

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "builder/builder_case.h"

namespace burnish {
namespace {

constexpr const char* kShowValue = "show() { cat \"$1/value\"; }; show";

TEST(MetricCommand, AFolderOfAnyNameIsOneWord) {
  const TestFolder folder;
  for (const std::string name : {"plain", "two words", "it's", "$(exit 9)", "a\"b;'c'"}) {
    std::filesystem::create_directory(folder / name);
    write_file(folder / name + "/value", "0.5\n");
    EXPECT_EQ(measure_by_command(kShowValue, folder / name), 0.5) << name;
  }
}

}  // namespace
}  // namespace burnish
