#include "ops/attributes.h"

#include <array>
#include <cmath>

#include "base/error.h"
#include "base/hash.h"

namespace burnish {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Attribute>> kTypeNames{
    "an integer", "a float", "a string", "integers", "floats", "strings", "a tensor"};

template <typename T>
T get(const AttributeMap& attrs, std::string_view name, T fallback, std::string_view wanted) {
  const auto it = attrs.values().find(name);
  if (it == attrs.values().end()) return fallback;
  const T* value = std::get_if<T>(&it->second);
  check(value != nullptr, ErrorCode::kInvalidModel, "attribute '{}' should be {}, not {}", name, wanted,
        kTypeNames[it->second.index()]);
  return *value;
}

// Floats by bits, so that NaN equals itself and 0 differs from -0: equal maps give equal results.
template <typename T>
bool same_value(const T& a, const T& b) {
  return a == b;
}
bool same_value(float a, float b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}
bool same_value(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}
bool same_value(const Tensor& a, const Tensor& b) {
  return a.identical(b);
}

bool same(const Attribute& a, const Attribute& b) {
  if (a.index() != b.index()) return false;
  return std::visit([&b]<typename T>(const T& value) { return same_value(value, std::get<T>(b)); }, a);
}

std::string text(int64_t value) {
  return std::to_string(value);
}
// Shortest form that reads back as the same float, and never looks like an integer.
std::string text(float value) {
  std::string s = fmt::format("{}", value);
  if (std::isfinite(value) && s.find_first_of(".e") == std::string::npos) s += ".0";
  return s;
}

std::string text(const std::string& value) {
  std::string s = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') s += '\\';
    if (c == '\n') {
      s += "\\n";
    } else {
      s += c;
    }
  }
  return s + "\"";
}

template <typename T>
std::string text(const std::vector<T>& values) {
  std::string s = "[";
  for (const T& v : values) s += (s.size() > 1 ? "," : "") + text(v);
  return s + "]";
}

std::string text(const Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  const std::span bytes(tensor.as<const std::byte>(), tensor.num_bytes());
  return fmt::format("{}{}#{}", name_of(tensor.dtype()), to_string(tensor.shape()), hash128_hex(bytes));
}

}  // namespace

void AttributeMap::erase(std::string_view name) {
  if (const auto it = values_.find(name); it != values_.end()) values_.erase(it);
}

int64_t AttributeMap::get_int(std::string_view name, int64_t fallback) const {
  return get(*this, name, fallback, "an integer");
}
float AttributeMap::get_float(std::string_view name, float fallback) const {
  return get(*this, name, fallback, "a float");
}
std::string AttributeMap::get_string(std::string_view name, std::string_view fallback) const {
  return get(*this, name, std::string(fallback), "a string");
}
std::vector<int64_t> AttributeMap::get_ints(std::string_view name, std::vector<int64_t> fallback) const {
  return get(*this, name, std::move(fallback), "integers");
}
std::vector<float> AttributeMap::get_floats(std::string_view name, std::vector<float> fallback) const {
  return get(*this, name, std::move(fallback), "floats");
}
std::vector<std::string> AttributeMap::get_strings(std::string_view name, std::vector<std::string> fallback) const {
  return get(*this, name, std::move(fallback), "strings");
}
Tensor AttributeMap::get_tensor(std::string_view name) const {
  return get(*this, name, Tensor(), "a tensor");
}

bool AttributeMap::operator==(const AttributeMap& other) const {
  if (values_.size() != other.values_.size()) return false;
  for (auto a = values_.begin(), b = other.values_.begin(); a != values_.end(); ++a, ++b)
    if (a->first != b->first || !same(a->second, b->second)) return false;
  return true;
}

std::string to_string(const Attribute& attribute) {
  return std::visit([](const auto& value) { return text(value); }, attribute);
}

std::string to_string(const AttributeMap& attributes) {
  std::string s;
  for (const auto& [name, value] : attributes.values()) s += (s.empty() ? "" : ", ") + name + "=" + to_string(value);
  return s;
}

}  // namespace burnish
