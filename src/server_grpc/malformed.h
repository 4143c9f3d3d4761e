#pragma once
// Whether bytes are a message of a type, and if not, which field is to blame: protobuf's own parser only says no.
#include <google/protobuf/descriptor.h>

#include <string_view>

namespace burnish::server {

/// Throws Error(kInvalidArgument) that names the field when `bytes` are no message of this type.
void check_message(const google::protobuf::Descriptor& type, std::string_view bytes);

}  // namespace burnish::server
