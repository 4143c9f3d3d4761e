#include "builder_case.h"

#include <unistd.h>
#include <zip.h>

#include <filesystem>
#include <random>

#include "base/file.h"
#include "base/npy.h"
#include "builder/profiles.h"
#include "builder/sample_runner.h"
#include "ir/text.h"
#include "ops/elements.h"

namespace burnish {
namespace {

Graph inferred(std::string_view text) {
  Graph graph = parse_graph(text);
  graph.infer();
  return graph;
}

}  // namespace

TestFolder::TestFolder() {
  std::string pattern = testing::TempDir() + "burnish_builder_XXXXXX";
  check(::mkdtemp(pattern.data()) != nullptr, ErrorCode::kIo, "cannot make '{}'", pattern);
  path_ = pattern;
}

TestFolder::~TestFolder() {
  std::filesystem::remove_all(path_);
}

Tensor random_floats(const Shape& shape, uint64_t seed, float deviation, float mean) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(mean, deviation);
  Tensor t(DType::kFloat32, shape);
  for (int64_t i = 0; i < t.num_elements(); ++i) t.as<float>()[i] = normal(random);
  return t;
}

Tensor ints(DType dtype, const Shape& shape, const std::vector<int64_t>& values) {
  Tensor t(dtype, shape);
  for (size_t i = 0; i < values.size(); ++i) {
    std::memcpy(t.as<std::byte>() + i * size_of(dtype), &values[i], size_of(dtype));
  }
  return t;
}

void write_npz(const std::string& path, const Arrays& arrays, bool compressed) {
  const TestFolder folder;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, array] : arrays) {
    const std::string file = folder / fmt::format("{}.npy", zip_get_num_entries(archive, 0));
    write_npy(file, array);
    const auto index = zip_file_add(archive, (name + ".npy").c_str(), zip_source_file(archive, file.c_str(), 0, -1), 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  check(zip_close(archive) == 0, ErrorCode::kIo, "cannot write '{}'", path);
}

Samples samples_of(const Graph& model, const Arrays& arrays) {
  const TestFolder folder;
  write_npz(folder / "samples.npz", arrays);
  return Samples::load({folder / "samples.npz"}, model);
}

std::vector<int64_t> first_indices(int64_t n) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < n; ++i) indices.push_back(i);
  return indices;
}

TestCompiler::TestCompiler(std::string_view text, std::string_view profile) : TestCompiler(inferred(text), profile) {}

TestCompiler::TestCompiler(Graph model, std::string_view profile)
    : model_(std::move(model)),
      target_(detect_cpu(2)),
      profile_(resolve_profile(model_, parse_profile(profile))),
      compiler_(model_, settings_, target_) {
  settings_.options.opt_level = 2;
  settings_.reporter.message = [this](LogLevel level, std::string_view text) {
    if (level != LogLevel::kVerbose) messages_.emplace_back(text);
  };
}

EngineData TestCompiler::engine(const Graph& graph) {
  BlobStore blobs;
  Plan plan = compiler_.compile(graph, profile_, blobs);
  return compiler_.engine_of({std::move(plan)}, std::move(blobs));
}

std::map<std::string, std::vector<float>> outputs_of(EngineData engine, const Samples& samples) {
  std::map<std::string, std::vector<float>> outputs;
  SampleRunner runner(std::move(engine), detect_cpu(2));
  runner.run(samples, first_indices(samples.size()), [&](const SampleRunner::Batch& batch) {
    for (const auto& [name, view] : batch.outputs) {
      std::vector<float> part(static_cast<size_t>(view.num_elements()));
      load_elements<float>(view, part.data());
      outputs[name].insert(outputs[name].end(), part.begin(), part.end());
    }
  });
  return outputs;
}

}  // namespace burnish
