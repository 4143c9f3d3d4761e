#pragma once
// Models made by hand: a ModelProto built piece by piece, for the bindings' network definitions.
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "onnx/importer.h"
#include "ops/attributes.h"

namespace burnish {

class ModelWriter {
 public:
  explicit ModelWriter(const std::string& name = "network", int64_t opset = kNewestOpset);
  ~ModelWriter();
  ModelWriter(ModelWriter&&) noexcept;
  ModelWriter& operator=(ModelWriter&&) noexcept;

  /// A number, or a free dimension's name ("": a name of its own).
  using InputDim = std::variant<int64_t, std::string>;
  void add_input(const std::string& name, DType dtype, const std::vector<InputDim>& dims);
  /// Copies the elements. Throws kUnsupported for types narrower than a byte.
  void add_constant(const std::string& name, const Tensor& value);
  struct NodeSpec {
    std::string op;
    std::string domain;  ///< "": ONNX's own.
    std::string name;
    std::vector<std::string> inputs;  ///< Names of values; "" for an absent optional one.
    std::vector<std::string> outputs;
    AttributeMap attributes;
  };
  void add_node(const NodeSpec& node);
  void mark_output(const std::string& value);
  void import_opset(const std::string& domain, int64_t version);

  /// The serialised ModelProto; names and types are checked when it is imported. Throws kUnsupported beyond 2 GiB,
  /// which protobuf does not hold.
  std::string serialize() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace burnish
