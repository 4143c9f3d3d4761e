#include "server/engine_cache.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

namespace burnish::server {
namespace {

namespace fs = std::filesystem;

constexpr int kTypicalBatch = 8;

/// Of every file of the version: models may keep their weights beside them.
std::string content_of(const std::string& path) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::string content;
  for (const fs::path& file : files) {
    content += fmt::format("{}={};", file.filename().string(), hash128_hex(MappedFile::open(file.string())->bytes()));
  }
  return content;
}

/// The parts of a configuration that the builder reads.
std::string build_words(const ModelConfig& config) {
  std::string words = build_profile_of(config);
  for (const InstanceGroup& group : config.instance_groups) {
    words += fmt::format(";threads={}", group.threads);
    if (group.kind == "KIND_GPU") words += fmt::format(";gpus={}", fmt::join(group.gpus, ","));
  }
  for (const auto& [name, value] : config.parameters) words += fmt::format(";{}={}", name, value);
  return words;
}

}  // namespace

std::string build_profile_of(const ModelConfig& config) {
  if (config.max_batch_size <= 0 || config.inputs.empty()) return {};
  const auto shape = [&](const TensorConfig& input, int batch) {
    return input.dims.empty() ? std::to_string(batch) : fmt::format("{}x{}", batch, fmt::join(input.dims, "x"));
  };
  std::vector<std::string> parts;
  for (const TensorConfig& input : config.inputs) {
    if (std::ranges::any_of(input.dims, [](int64_t dim) { return dim < 0; })) return {};
    parts.push_back(fmt::format("{}={}:{}:{}", input.name, shape(input, 1),
                                shape(input, std::min(config.max_batch_size, kTypicalBatch)),
                                shape(input, config.max_batch_size)));
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

EngineCache::EngineCache(std::string folder, std::string salt, BuildEngine build)
    : folder_(std::move(folder)), salt_(std::move(salt)), build_(std::move(build)) {}

std::string EngineCache::engine_of(const VersionFolder& version, const ModelConfig& config) const {
  const fs::path path = version.path;
  std::vector<std::string> names = {"model.engine", "model.onnx"};
  if (!config.default_model_filename.empty()) names = {config.default_model_filename};
  for (const std::string& name : names) {
    std::error_code unreadable;
    if (!fs::exists(path / name, unreadable)) continue;
    return name.ends_with(".onnx") ? built(version, (path / name).string(), config) : (path / name).string();
  }
  throw Error(ErrorCode::kIo, fmt::format("'{}' holds no {}", version.path, fmt::join(names, " or ")))
      .with_hint("put an engine there (`burnish build model.onnx -o model.engine`), or the ONNX model itself");
}

std::string EngineCache::built(const VersionFolder& version, const std::string& onnx, const ModelConfig& config) const {
  if (!build_ || folder_.empty()) {
    throw Error(ErrorCode::kUnsupported, fmt::format("'{}' would have to be built first", onnx))
        .with_hint("build it with `burnish build`, or give the server --engine-cache FOLDER");
  }
  const std::string key = fmt::format("{}|{}|{}", salt_, build_words(config), content_of(version.path));
  const std::string name = fmt::format("{}-{}-{}.engine", config.name, version.number,
                                       hash128_hex(std::as_bytes(std::span(key.data(), key.size()))));
  const fs::path engine = fs::path(folder_) / name;
  if (fs::exists(engine)) return engine.string();
  std::error_code error;
  fs::create_directories(folder_, error);
  check(!error, ErrorCode::kIo, "cannot make the engine cache '{}': {}", folder_, error.message());
  build_(onnx, engine.string(), config);
  return engine.string();
}

bool EngineCache::discard(const std::string& engine) const {
  std::error_code error;
  return !folder_.empty() && fs::path(engine).parent_path() == fs::path(folder_) && fs::remove(engine, error);
}

}  // namespace burnish::server
