#pragma once
// Parameters of requests and tensors: map<string, InferParameter>.
#include <cstdint>
#include <string_view>
#include <variant>

namespace burnish::server {

/// One entry; points into the message.
struct InferParameter {
  std::string_view name;
  std::variant<std::monostate, bool, int64_t, std::string_view, double, uint64_t> value;

  /// The value as what it should be; throws Error(kInvalidArgument) that names the parameter.
  bool as_bool() const;
  /// Of int64_param or uint64_param; not negative.
  uint64_t as_count() const;
  std::string_view as_text() const;
};

InferParameter decode_infer_parameter(std::string_view map_entry);

}  // namespace burnish::server
