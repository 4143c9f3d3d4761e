#pragma once
// InferTensorContents: a tensor's elements as numbers of protobuf's.
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "server/request.h"

namespace burnish::server {

/// Appends the elements of one contents message to `out`, as they lie in memory. Throws Error(kInvalidArgument) when
/// they are in a field that does not fit `dtype`, or out of its range.
void decode_infer_contents(std::string_view message, DataType dtype, std::vector<std::byte>& out);

}  // namespace burnish::server
