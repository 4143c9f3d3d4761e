#pragma once
// Typed access to simdjson's elements; what is of another type is an Error that names the field ("inputs[2].shape").
// Include in sources only: simdjson takes seconds to compile.
#include <fmt/format.h>
#include <simdjson.h>

#include <string>
#include <string_view>

#include "base/error.h"

namespace burnish::server::http {

/// Where an element stands; text is made only when something is wrong.
struct FieldPath {
  std::string_view list;  ///< "inputs"; empty: the request itself.
  size_t index = 0;
  std::string_view field;  ///< "shape"; empty: the list's element.
  std::string_view parameter = {};

  std::string text() const {
    std::string out = list.empty() ? std::string() : fmt::format("{}[{}]", list, index);
    for (const std::string_view part : {field, parameter}) {
      if (!part.empty()) out += (out.empty() ? "" : ".") + std::string(part);
    }
    return out.empty() ? "request" : out;
  }
  [[noreturn]] void fail(std::string_view reason) const {
    throw_error(ErrorCode::kInvalidArgument, "{}: {}", text(), reason);
  }
};

inline std::string_view read_string(simdjson::dom::element value, const FieldPath& path) {
  std::string_view text;
  if (value.get(text)) path.fail("must be a string");
  return text;
}
inline uint64_t read_unsigned(simdjson::dom::element value, const FieldPath& path) {
  uint64_t number = 0;
  if (value.get(number)) path.fail("must be an integer of at least 0");
  return number;
}
inline bool read_bool(simdjson::dom::element value, const FieldPath& path) {
  bool flag = false;
  if (value.get(flag)) path.fail("must be true or false");
  return flag;
}
inline simdjson::dom::array read_array(simdjson::dom::element value, const FieldPath& path) {
  simdjson::dom::array array;
  if (value.get(array)) path.fail("must be an array");
  return array;
}
inline simdjson::dom::object read_object(simdjson::dom::element value, const FieldPath& path) {
  simdjson::dom::object object;
  if (value.get(object)) path.fail("must be an object");
  return object;
}

}  // namespace burnish::server::http
