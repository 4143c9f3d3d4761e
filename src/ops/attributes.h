#pragma once
// Attributes of an operator: an ordered map of names to plain values.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/tensor.h"

namespace burnish {

using Attribute = std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                               std::vector<std::string>, Tensor>;

class AttributeMap {
 public:
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  void set(std::string name, Attribute value) { values_.insert_or_assign(std::move(name), std::move(value)); }
  void erase(std::string_view name);

  /// Each throws kInvalidModel naming the attribute when it is there with another type.
  int64_t get_int(std::string_view name, int64_t fallback) const;
  float get_float(std::string_view name, float fallback) const;
  std::string get_string(std::string_view name, std::string_view fallback) const;
  std::vector<int64_t> get_ints(std::string_view name, std::vector<int64_t> fallback = {}) const;
  std::vector<float> get_floats(std::string_view name, std::vector<float> fallback = {}) const;
  std::vector<std::string> get_strings(std::string_view name, std::vector<std::string> fallback = {}) const;
  /// Undefined tensor when absent.
  Tensor get_tensor(std::string_view name) const;

  const std::map<std::string, Attribute, std::less<>>& values() const { return values_; }
  /// Same names, types and values (tensors by content).
  bool operator==(const AttributeMap& other) const;

 private:
  std::map<std::string, Attribute, std::less<>> values_;
};

/// "axis=1, mode="linear", scales=[1,2]"; deterministic, tensors as dtype, shape and hash. Used in IR text and cache
/// keys.
std::string to_string(const AttributeMap& attributes);
std::string to_string(const Attribute& attribute);

}  // namespace burnish
