#pragma once
// What we have an operator for, and what to tell where we have none.
#include <optional>
#include <string>

#include "base/tensor.h"

namespace onnx {
class AttributeProto;
}

namespace burnish {

class ExternalData;

inline constexpr const char* kPreviewDomain = "ai.onnx.preview";

/// The newest version of a domain that we know; 0 for a domain that we do not know.
int64_t newest_opset(const std::string& domain);

struct UnsupportedReason {
  std::string why;
  std::string what_to_do;
};
/// nullopt when the operator of this domain ("" is the default one) can be imported.
std::optional<UnsupportedReason> unsupported_reason(const std::string& domain, const std::string& op);

/// True for operators of the default domain that can be imported though this version is older than kOldestOpset.
bool is_unchanged(const std::string& op, int64_t version);

/// The value of a Constant node from its one attribute: value, sparse_value, value_int, value_floats, …
Tensor constant_of(const std::string& attribute, const onnx::AttributeProto& proto, ExternalData* external);

}  // namespace burnish
