#pragma once
// AttributeProto to Attribute, with the attribute references of model-local functions resolved.
#include <map>
#include <string>

#include "ops/attributes.h"

namespace onnx {
class AttributeProto;
class NodeProto;
}  // namespace onnx

namespace burnish {

class ExternalData;

/// A node's attributes by name as the file has them. Inside a function, those of the caller by the function's names.
using ProtoAttributes = std::map<std::string, const onnx::AttributeProto*, std::less<>>;

/// The node's attributes; one that refers to an attribute of the enclosing function stands for the caller's, and is
/// absent when the caller has none. Throws kInvalidModel for a name that occurs twice.
ProtoAttributes resolve_attributes(const onnx::NodeProto& node, const ProtoAttributes& caller);

/// Numbers, strings, lists of them, and tensors. Throws kUnsupported for types without a plain value (graphs, sparse
/// tensors, types).
AttributeMap to_attributes(const ProtoAttributes& attributes, ExternalData* external);

}  // namespace burnish
