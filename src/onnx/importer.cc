#include "onnx/importer.h"

#include <filesystem>
#include <limits>
#include <new>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "onnx/model_importer.h"

namespace burnish {
namespace {

onnx::ModelProto parse(std::span<const std::byte> bytes) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    throw Error(ErrorCode::kInvalidModel, "the file is larger than 2 GiB, which protobuf does not allow")
        .with_hint("Save the model with its weights as external data");
  }
  google::protobuf::LogSilencer silence;
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error(ErrorCode::kInvalidModel, "this is no ONNX model: the protobuf is truncated or damaged")
        .with_hint("Download or export it again");
  }
  if (!model.has_graph() || model.ir_version() <= 0) {
    throw Error(ErrorCode::kInvalidModel,
                fmt::format("this is no ONNX model: it has no {}", model.has_graph() ? "IR version" : "graph"))
        .with_hint("A file made by onnx.save or torch.onnx.export is expected");
  }
  return model;
}

}  // namespace

Graph import_model(std::span<const std::byte> bytes, const std::string& base_directory, const ImportOptions& options) {
  try {
    ModelImporter importer(parse(bytes), base_directory, options);
    return importer.run(hash128_hex(bytes));
  } catch (const std::bad_alloc&) {
    throw_error(ErrorCode::kOutOfMemory, "importing the model needs more memory than there is");
  }
}

Graph import_model_file(const std::string& path, const ImportOptions& options) {
  return with_frame([&] { return fmt::format("import '{}'", path); },
                    [&] {
                      const auto file = MappedFile::open(path);
                      const auto directory = std::filesystem::path(path).parent_path();
                      return import_model(file->bytes(), directory.empty() ? "." : directory.string(), options);
                    });
}

}  // namespace burnish
