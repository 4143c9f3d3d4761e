// The corpus of tests/fuzz/engine_fuzzer: engines of today's format. With BURNISH_UPDATE_CORPUS=1 it is written anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "engine/engine_file.h"
#include "runtime/test_engines.h"

namespace burnish {
namespace {

TEST(Corpus, IsOfThisFormat) {
  const std::string folder = "tests/fuzz/corpus/engine_fuzzer/";
  for (auto [name, data] :
       std::map<std::string, EngineData>{{"small", testing::small_engine()}, {"conv", testing::conv_engine()}}) {
    data.target_isa = std::string(name_of(Isa::kScalar));  // loads everywhere
    data.target_fingerprint = "any";
    const std::string path = folder + name + ".bin";
    if (std::getenv("BURNISH_UPDATE_CORPUS") != nullptr) {
      std::filesystem::create_directories(folder);
      write_engine(data, path);
    }
    EXPECT_EQ(serialize_engine(read_engine(path)), serialize_engine(data)) << "rewrite it: BURNISH_UPDATE_CORPUS=1";
  }
}

}  // namespace
}  // namespace burnish
