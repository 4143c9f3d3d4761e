#include "server_grpc/infer_parameter.h"

#include "base/error.h"
#include "server_grpc/wire.h"

namespace burnish::server {
namespace {

using wire::Field;
using wire::Reader;

void decode_value(std::string_view message, InferParameter& out) {
  Field field;
  for (Reader reader(message); reader.next(field);) {
    switch (field.number) {
      case 1:
        out.value = wire::varint_of(field, "bool_param") != 0;
        break;
      case 2:
        out.value = static_cast<int64_t>(wire::varint_of(field, "int64_param"));
        break;
      case 3:
        out.value = wire::text_of(field, "string_param");
        break;
      case 4:
        out.value = wire::double_of(field, "double_param");
        break;
      case 5:
        out.value = wire::varint_of(field, "uint64_param");
        break;
      default:
        break;
    }
  }
}

[[noreturn]] void fail(std::string_view name, std::string_view expected) {
  throw_error(ErrorCode::kInvalidArgument, "parameter '{}' must be {}", name, expected);
}

}  // namespace

InferParameter decode_infer_parameter(std::string_view map_entry) {
  InferParameter parameter;
  std::string_view value;
  Field field;
  for (Reader reader(map_entry); reader.next(field);) {
    if (field.number == 1) parameter.name = wire::text_of(field, "key");
    if (field.number == 2) value = wire::bytes_of(field, "value");
  }
  with_frame([&] { return fmt::format("parameter '{}'", parameter.name); }, [&] { decode_value(value, parameter); });
  return parameter;
}

bool InferParameter::as_bool() const {
  if (const bool* v = std::get_if<bool>(&value)) return *v;
  fail(name, "a bool (bool_param)");
}

uint64_t InferParameter::as_count() const {
  if (const uint64_t* v = std::get_if<uint64_t>(&value)) return *v;
  const int64_t* v = std::get_if<int64_t>(&value);
  if (v && *v >= 0) return static_cast<uint64_t>(*v);
  fail(name, "an integer that is not negative (int64_param or uint64_param)");
}

std::string_view InferParameter::as_text() const {
  if (const std::string_view* v = std::get_if<std::string_view>(&value)) return *v;
  fail(name, "text (string_param)");
}

}  // namespace burnish::server
