#pragma once
// Real exporters' models without their weights (tests/models/structures), completed for a test.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "onnx-ml.pb.h"
#include "onnx/importer.h"

namespace burnish::testing {

/// The structures come without weights. Their data files are made here: holes with a mark at each tensor's beginning,
/// so that no two tensors are equal, or seeded random numbers throughout.
class Structure {
 public:
  Structure(const std::string& name, bool random) {
    folder_ = std::filesystem::path(::testing::TempDir()) / fmt::format("burnish_{}_{}", name, ::getpid());
    std::filesystem::create_directories(folder_);
    const std::filesystem::path source = std::filesystem::path("tests/models/structures") / (name + ".onnx");
    std::filesystem::copy_file(source, path(name), std::filesystem::copy_options::overwrite_existing);
    onnx::ModelProto model;
    std::ifstream file(source, std::ios::binary);
    EXPECT_TRUE(model.ParseFromIstream(&file)) << source;
    for (const onnx::TensorProto& t : model.graph().initializer()) {
      if (t.data_location() == onnx::TensorProto::EXTERNAL) write(t, random);
    }
    path_ = path(name);
    graph_ = import_model_file(path_);
  }
  ~Structure() { std::filesystem::remove_all(folder_); }
  Structure(const Structure&) = delete;
  Structure& operator=(const Structure&) = delete;

  const Graph& graph() const { return graph_; }
  /// The model's file, there while this lives.
  const std::string& model_path() const { return path_; }

 private:
  std::string path(const std::string& name) const { return folder_ / (name + ".onnx"); }

  void write(const onnx::TensorProto& tensor, bool random) {
    std::map<std::string, std::string> where;
    for (const auto& entry : tensor.external_data()) where[entry.key()] = entry.value();
    const int64_t offset = std::stoll(where.at("offset"));
    const int64_t length = std::stoll(where.at("length"));
    const std::filesystem::path data = folder_ / where.at("location");
    if (!std::filesystem::exists(data)) std::ofstream(data, std::ios::binary).flush();
    const auto end = static_cast<uintmax_t>(offset + length);
    if (std::filesystem::file_size(data) < end) std::filesystem::resize_file(data, end);
    const std::string bytes =
        tensor.data_type() == onnx::TensorProto::INT64
            ? positions(length / static_cast<int64_t>(sizeof(int64_t)))
            : numbers(random ? length / static_cast<int64_t>(sizeof(float)) : 1, tensor.dims_size() == 1);
    std::fstream out(data, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(offset);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  static std::string positions(int64_t count) {
    std::vector<int64_t> values(static_cast<size_t>(count));
    std::iota(values.begin(), values.end(), 0);
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t)};
  }

  /// Small enough to keep activations tame over many layers; vectors are positive, as variances must be.
  std::string numbers(int64_t count, bool vector) {
    std::uniform_real_distribution<float> number(vector ? 0.1F : -0.08F, vector ? 1.0F : 0.08F);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& v : values) v = number(generator_);
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }

  std::filesystem::path folder_;
  std::mt19937 generator_{3};
  std::string path_;
  Graph graph_;
};

}  // namespace burnish::testing
