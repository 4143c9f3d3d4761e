#include "onnx/tensor_io.h"

#include <filesystem>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "onnx-ml.pb.h"
#include "onnx/external_data.h"
#include "onnx/tensors.h"

namespace burnish {

Tensor read_tensor_proto(const std::string& path, std::string* name) {
  return with_frame([&] { return fmt::format("tensor file '{}'", path); },
                    [&] {
                      const auto file = MappedFile::open(path);
                      const auto bytes = file->bytes();
                      google::protobuf::LogSilencer silence;
                      onnx::TensorProto proto;
                      check(bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max()) &&
                                proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())),
                            ErrorCode::kInvalidModel, "it is no TensorProto");
                      if (name != nullptr) *name = proto.name();
                      ExternalData external(std::filesystem::path(path).parent_path().string());
                      return to_tensor(proto, &external);
                    });
}

}  // namespace burnish
