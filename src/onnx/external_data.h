#pragma once
// Tensor data kept in files beside the model. Only files below the model's own directory are read.
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/file.h"

namespace onnx {
class TensorProto;
}

namespace burnish {

class ExternalData {
 public:
  /// base_directory: the model's; "" means that the model came without one, and external data is an error.
  explicit ExternalData(std::string base_directory) : base_directory_(std::move(base_directory)) {}

  struct Blob {
    std::shared_ptr<const MappedFile> file;
    std::span<const std::byte> bytes;
  };
  /// The bytes that the tensor's location, offset and length name. Throws kInvalidModel for a location that leaves
  /// the directory or a range that leaves the file, kIo for a missing file.
  Blob find(const onnx::TensorProto& tensor);

  /// One hash for each blob found so far, in order; part of the model's provenance.
  const std::string& hashes() const { return hashes_; }

 private:
  std::shared_ptr<const MappedFile> open(const std::string& location);
  std::string base_directory_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
  std::string hashes_;
};

}  // namespace burnish
