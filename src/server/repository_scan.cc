#include "server/repository_scan.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "server/config_json.h"
#include "server/config_pbtxt.h"
#include "server/model_name.h"

namespace burnish::server {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kMaxConfigBytes = 4U << 20U;
constexpr std::string_view kPlatforms[] = {"", "burnish_engine", "tensorrt_plan", "onnxruntime_onnx", "ensemble"};
constexpr std::string_view kBackends[] = {"", "burnish", "tensorrt", "onnxruntime"};

/// Changes with size, time of change and identity of a file; "-" when it is gone.
std::string signature_of(const fs::path& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) return "-";
  return fmt::format("{}:{}:{}.{}", info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

/// 0 for names that are no version: "latest", "01", "-1".
int64_t version_number(const std::string& name) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && number > 0 && name[0] != '0' ? number : 0;
}

VersionFolder scan_version(const fs::path& path, int64_t number) {
  VersionFolder version{number, path.string(), {}};
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    files.push_back(fmt::format("{}={}", it->path().filename().string(), signature_of(it->path())));
  }
  std::ranges::sort(files);
  version.signature = fmt::format("{}", fmt::join(files, ";"));
  return version;
}

ModelFolder scan_folder(const fs::path& path) {
  ModelFolder folder;
  folder.name = path.filename().string();
  folder.path = path.string();
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const int64_t number = version_number(it->path().filename().string());
    std::error_code unreadable;
    if (number > 0 && it->is_directory(unreadable)) folder.versions.push_back(scan_version(it->path(), number));
  }
  std::ranges::sort(folder.versions, {}, &VersionFolder::number);
  for (const auto* name : {"config.json", "config.pbtxt"}) {
    std::error_code unreadable;
    if (!fs::exists(path / name, unreadable)) continue;
    folder.config_file = (path / name).string();
    folder.config_signature = signature_of(path / name);
    break;
  }
  return folder;
}

void check_served_here(const ModelConfig& config) {
  const auto is_known = [](const auto& table, const std::string& word) {
    return std::ranges::find(table, word) != std::end(table);
  };
  if (!is_known(kPlatforms, config.platform)) {
    throw Error(ErrorCode::kUnsupported, fmt::format("platform: '{}' is not served", config.platform))
        .with_hint("leave it out; engines and ONNX models are served");
  }
  if (!is_known(kBackends, config.backend)) {
    throw Error(ErrorCode::kUnsupported, fmt::format("backend: '{}' is not there", config.backend))
        .with_hint("leave it out; engines and ONNX models are served");
  }
  if ((config.platform == "ensemble") != !config.ensemble.empty()) {
    throw_error(ErrorCode::kInvalidArgument, "platform 'ensemble' and ensemble_scheduling go together");
  }
}

/// A plain name: what a configuration says must stay within the model's folder.
void check_file_name(const std::string& name, std::string_view field) {
  check(name.find('/') == std::string::npos && name != ".." && name.find('\0') == std::string::npos,
        ErrorCode::kInvalidArgument, "{}: '{}' is no plain file name", field, name);
}

void check_file_names(const ModelConfig& config) {
  check_file_name(config.default_model_filename, "default_model_filename");
  for (const TensorConfig& output : config.outputs) check_file_name(output.label_filename, "label_filename");
  for (const WarmupSample& sample : config.warmup) {
    for (const auto& [name, input] : sample.inputs) check_file_name(input.file, "input_data_file");
  }
}

std::string config_text(const ModelFolder& folder) {
  if (folder.config_file.empty()) return "{}";
  std::error_code error;
  const uintmax_t size = fs::file_size(folder.config_file, error);
  check(!error && size <= kMaxConfigBytes, ErrorCode::kInvalidArgument, "it cannot be read, or is larger than {} bytes",
        kMaxConfigBytes);
  const std::string text = read_file(folder.config_file);
  return folder.config_file.ends_with(".pbtxt") ? pbtxt_to_json(text) : text;
}

}  // namespace

std::vector<ModelFolder> scan_repository(const std::vector<std::string>& roots, std::vector<std::string>& skipped) {
  std::vector<ModelFolder> folders;
  for (const std::string& root : roots) {
    std::error_code error;
    for (fs::directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
      const std::string name = it->path().filename().string();
      std::error_code unreadable;
      if (name.starts_with('.') || !it->is_directory(unreadable)) continue;
      if (!is_model_name(name)) {
        skipped.push_back(fmt::format("'{}' is no name of a model", it->path().string()));
      } else if (std::ranges::find(folders, name, &ModelFolder::name) != folders.end()) {
        skipped.push_back(fmt::format("'{}' stands in an earlier repository too", it->path().string()));
      } else {
        folders.push_back(scan_folder(it->path()));
      }
    }
    if (error) {
      throw Error(ErrorCode::kIo, fmt::format("cannot read the model repository '{}': {}", root, error.message()))
          .with_hint("it is a folder of models: REPOSITORY/<model>/<version>/model.engine");
    }
  }
  std::ranges::sort(folders, {}, &ModelFolder::name);
  return folders;
}

std::optional<ModelFolder> scan_model(const std::vector<std::string>& roots, const std::string& name) {
  for (const std::string& root : roots) {
    std::error_code error;
    const fs::path path = fs::path(root) / name;
    if (is_model_name(name) && fs::is_directory(path, error)) return scan_folder(path);
  }
  return std::nullopt;
}

ModelConfig read_config(const ModelFolder& folder, const std::string& override_json, std::vector<std::string>* notes) {
  const auto frame = [&] { return override_json.empty() ? folder.config_file : std::string("the configuration sent"); };
  return with_frame(frame, [&] {
    ModelConfig config = parse_config_json(override_json.empty() ? config_text(folder) : override_json, notes);
    check(config.name.empty() || config.name == folder.name, ErrorCode::kInvalidArgument,
          "name: '{}' is not the folder's name, '{}'", config.name, folder.name);
    config.name = folder.name;
    check_served_here(config);
    check_file_names(config);
    return config;
  });
}

}  // namespace burnish::server
