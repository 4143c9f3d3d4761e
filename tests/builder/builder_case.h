#pragma once
// What tests of the builder's parts share: files of samples, models from IR text, and compilers for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "builder/model_compiler.h"
#include "builder/samples.h"

namespace burnish {

/// A folder that is empty at first and goes with the object.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

using Arrays = std::map<std::string, Tensor>;

/// Seeded normal numbers.
Tensor random_floats(const Shape& shape, uint64_t seed, float deviation = 1, float mean = 0);
Tensor ints(DType dtype, const Shape& shape, const std::vector<int64_t>& values);
/// As numpy.savez or numpy.savez_compressed.
void write_npz(const std::string& path, const Arrays& arrays, bool compressed = false);
/// Samples of a model's inputs, through a file.
Samples samples_of(const Graph& model, const Arrays& arrays);
std::vector<int64_t> first_indices(int64_t n);

/// "invalid_argument: what it says"; "" when f throws nothing.
template <typename F>
std::string failure_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return std::string(name_of(e.code())) + ": " + e.what();
  }
  return "";
}

/// A model, and everything that compiles it.
class TestCompiler {
 public:
  /// profile as on the command line: "x=1x4:8x4:16x4".
  TestCompiler(Graph model, std::string_view profile);
  explicit TestCompiler(std::string_view text, std::string_view profile);

  ModelCompiler& operator*() { return compiler_; }
  ModelCompiler* operator->() { return &compiler_; }
  const Graph& model() const { return model_; }
  const OptimizationProfile& profile() const { return profile_; }
  /// In FP32, to be lowered.
  Graph optimised() const { return compiler_.optimise(profile_, true, true).graph; }
  EngineData engine(const Graph& graph);
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  std::vector<std::string> messages_;
  Graph model_;
  BuildSettings settings_;
  Target target_;
  OptimizationProfile profile_;
  ModelCompiler compiler_;
};

/// Outputs of an engine for all samples, one behind the other, by name.
std::map<std::string, std::vector<float>> outputs_of(EngineData engine, const Samples& samples);

}  // namespace burnish
