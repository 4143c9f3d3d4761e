#include "onnx/attributes.h"

#include "base/error.h"
#include "onnx-ml.pb.h"
#include "onnx/tensors.h"

namespace burnish {
namespace {

using Proto = onnx::AttributeProto;

/// Files older than IR version 2 leave the type out: then the field that is filled tells it.
Proto::AttributeType type_of(const Proto& proto) {
  if (proto.type() != Proto::UNDEFINED) return proto.type();
  if (proto.has_f()) return Proto::FLOAT;
  if (proto.has_i()) return Proto::INT;
  if (proto.has_s()) return Proto::STRING;
  if (proto.has_t()) return Proto::TENSOR;
  if (proto.has_g()) return Proto::GRAPH;
  if (proto.floats_size() > 0) return Proto::FLOATS;
  if (proto.ints_size() > 0) return Proto::INTS;
  if (proto.strings_size() > 0) return Proto::STRINGS;
  throw_error(ErrorCode::kInvalidModel, "it has neither a type nor a value");
}

Attribute to_attribute(const Proto& proto, ExternalData* external) {
  switch (type_of(proto)) {
    case Proto::FLOAT:
      return proto.f();
    case Proto::INT:
      return static_cast<int64_t>(proto.i());
    case Proto::STRING:
      return proto.s();
    case Proto::TENSOR:
      return to_tensor(proto.t(), external);
    case Proto::FLOATS:
      return std::vector<float>(proto.floats().begin(), proto.floats().end());
    case Proto::INTS:
      return std::vector<int64_t>(proto.ints().begin(), proto.ints().end());
    case Proto::STRINGS:
      return std::vector<std::string>(proto.strings().begin(), proto.strings().end());
    default:
      throw_error(ErrorCode::kUnsupported, "its type {} is not supported", Proto::AttributeType_Name(proto.type()));
  }
}

}  // namespace

ProtoAttributes resolve_attributes(const onnx::NodeProto& node, const ProtoAttributes& caller) {
  ProtoAttributes resolved;
  for (const Proto& attribute : node.attribute()) {
    const Proto* value = &attribute;
    if (!attribute.ref_attr_name().empty()) {
      const auto found = caller.find(attribute.ref_attr_name());
      if (found == caller.end()) continue;
      value = found->second;
    }
    check(resolved.emplace(attribute.name(), value).second, ErrorCode::kInvalidModel, "it has the attribute '{}' twice",
          attribute.name());
  }
  return resolved;
}

AttributeMap to_attributes(const ProtoAttributes& attributes, ExternalData* external) {
  AttributeMap map;
  for (const auto& [name, proto] : attributes) {
    with_frame([&] { return fmt::format("attribute '{}'", name); },
               [&] { map.set(name, to_attribute(*proto, external)); });
  }
  return map;
}

}  // namespace burnish
