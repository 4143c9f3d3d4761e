#include "server_grpc/malformed.h"

#include "base/error.h"
#include "server_grpc/wire.h"

namespace burnish::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr int kMaxDepth = 16;  // the protocol's messages nest less deeply

void check_fields(const Descriptor& type, std::string_view bytes, int depth);

void check_field(const FieldDescriptor& declared, const wire::Field& field, int depth) {
  switch (declared.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return check_fields(*declared.message_type(), wire::bytes_of(field, declared.name()), depth + 1);
    case FieldDescriptor::CPPTYPE_STRING:
      declared.type() == FieldDescriptor::TYPE_STRING ? wire::text_of(field, declared.name())
                                                      : wire::bytes_of(field, declared.name());
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return wire::each_fixed<double>(field, declared.name(), [](double) {});
    case FieldDescriptor::CPPTYPE_FLOAT:
      return wire::each_fixed<float>(field, declared.name(), [](float) {});
    default:
      return wire::each_varint(field, declared.name(), [](uint64_t) {});
  }
}

void check_fields(const Descriptor& type, std::string_view bytes, int depth) {
  check(depth < kMaxDepth, ErrorCode::kInvalidArgument, "malformed protobuf message: it nests too deeply");
  with_frame([&] { return type.name(); },
             [&] {
               wire::Field field;
               for (wire::Reader reader(bytes); reader.next(field);) {
                 const FieldDescriptor* declared = type.FindFieldByNumber(static_cast<int>(field.number));
                 if (declared) check_field(*declared, field, depth);
               }
             });
}

}  // namespace

void check_message(const Descriptor& type, std::string_view bytes) {
  check_fields(type, bytes, 0);
}

}  // namespace burnish::server
