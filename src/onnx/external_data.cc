#include "onnx/external_data.h"

#include <charconv>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/hash.h"
#include "onnx-ml.pb.h"

namespace burnish {
namespace {

struct Entry {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

uint64_t parse_number(const std::string& key, const std::string& text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  check(status == std::errc() && stop == end, ErrorCode::kInvalidModel, "its external data has the {} '{}'", key, text);
  return value;
}

Entry parse_entry(const onnx::TensorProto& tensor) {
  Entry entry;
  for (const auto& pair : tensor.external_data()) {
    if (pair.key() == "location") entry.location = pair.value();
    if (pair.key() == "offset") entry.offset = parse_number("offset", pair.value());
    if (pair.key() == "length") entry.length = parse_number("length", pair.value());
  }
  check(!entry.location.empty(), ErrorCode::kInvalidModel, "its external data names no location");
  return entry;
}

[[noreturn]] void refuse_location(const std::string& location) {
  throw Error(ErrorCode::kInvalidModel,
              fmt::format("its external data '{}' is not below the model's directory", location))
      .with_hint("Put the data file beside the model and save the model with a relative location");
}

/// True when path, all links resolved, is base or below it.
bool is_below(const std::filesystem::path& path, const std::filesystem::path& base) {
  auto p = path.begin();
  for (auto b = base.begin(); b != base.end(); ++b) {
    if (b->empty()) continue;
    if (p == path.end() || *p != *b) return false;
    ++p;
  }
  return true;
}

}  // namespace

std::shared_ptr<const MappedFile> ExternalData::open(const std::string& location) {
  namespace fs = std::filesystem;
  if (const auto found = files_.find(location); found != files_.end()) return found->second;
  check(!base_directory_.empty(), ErrorCode::kInvalidModel,
        "its data lies in the file '{}', but the model came without a directory", location);
  const fs::path relative(location);
  if (relative.is_absolute() || location.find('\0') != std::string::npos) refuse_location(location);
  for (const fs::path& part : relative) {
    if (part == "..") refuse_location(location);
  }
  std::error_code failed;
  const fs::path base = fs::canonical(base_directory_, failed);
  const fs::path path = failed ? fs::path() : fs::canonical(base / relative, failed);
  if (failed || !fs::is_regular_file(path)) {
    throw Error(ErrorCode::kIo, fmt::format("its data file '{}' is missing in '{}'", location, base_directory_))
        .with_hint("Keep the model and its data files together");
  }
  if (!is_below(path, base)) refuse_location(location);
  return files_[location] = MappedFile::open(path.string());
}

ExternalData::Blob ExternalData::find(const onnx::TensorProto& tensor) {
  const Entry entry = parse_entry(tensor);
  auto file = open(entry.location);
  const uint64_t size = file->bytes().size();
  const uint64_t length = entry.length.value_or(entry.offset <= size ? size - entry.offset : 0);
  check(entry.offset <= size && length <= size - entry.offset, ErrorCode::kInvalidModel,
        "its external data (offset {}, {} bytes) lies beyond the end of '{}' ({} bytes)", entry.offset, length,
        entry.location, size);
  const auto bytes = file->bytes().subspan(entry.offset, length);
  hashes_ += fmt::format("{:016x}", hash64(bytes));
  return {std::move(file), bytes};
}

}  // namespace burnish
