#include "server_http/json_tensor.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/float_types.h"
#include "server/inference_server.h"
#include "server_http/json_writer.h"

namespace burnish::server::http {
namespace {

using simdjson::dom::element;

// f(T{}) with the C++ type of `dtype`; false when JSON has no form of it.
template <typename F>
bool with_type(DataType dtype, F&& f) {
  switch (dtype) {
    case DataType::kFloat32:
      f(float{});
      return true;
    case DataType::kFloat64:
      f(double{});
      return true;
    case DataType::kFloat16:
      f(Half{});
      return true;
    case DataType::kBFloat16:
      f(BFloat16{});
      return true;
    case DataType::kInt8:
      f(int8_t{});
      return true;
    case DataType::kInt16:
      f(int16_t{});
      return true;
    case DataType::kInt32:
      f(int32_t{});
      return true;
    case DataType::kInt64:
      f(int64_t{});
      return true;
    case DataType::kUInt8:
      f(uint8_t{});
      return true;
    case DataType::kUInt16:
      f(uint16_t{});
      return true;
    case DataType::kUInt32:
      f(uint32_t{});
      return true;
    case DataType::kUInt64:
      f(uint64_t{});
      return true;
    case DataType::kBool:
      f(bool{});
      return true;
    default:
      return false;
  }
}

template <typename T>
bool read_number(element value, T& out) {
  if constexpr (std::is_same_v<T, bool>) {
    uint64_t number = 0;
    if (!value.get(out)) return true;
    if (value.get(number) || number > 1) return false;
    out = number == 1;
    return true;
  } else if constexpr (std::is_unsigned_v<T>) {
    uint64_t number = 0;
    if (value.get(number) || number > std::numeric_limits<T>::max()) return false;
    out = static_cast<T>(number);
    return true;
  } else if constexpr (std::is_integral_v<T>) {
    int64_t number = 0;
    if (value.get(number) || number > std::numeric_limits<T>::max() || number < std::numeric_limits<T>::min())
      return false;
    out = static_cast<T>(number);
    return true;
  } else {
    double number = 0;
    if (value.get(number)) return false;
    if constexpr (std::is_same_v<T, double>) {
      out = number;
    } else {
      const auto narrow = static_cast<float>(number);
      if (std::isinf(narrow)) return false;
      out = T(narrow);
    }
    return true;
  }
}

template <typename T>
class Reader {
 public:
  Reader(std::byte* out, size_t count, const FieldPath& path) : out_(out), left_(count), count_(count), path_(path) {}

  void read(simdjson::dom::array array) {
    for (const element value : array) {
      if (value.is_array()) {
        read(simdjson::dom::array(value));
      } else {
        read_one(value);
      }
    }
  }
  void finish() const {
    if (left_ > 0) path_.fail(fmt::format("has {} elements, the shape has {}", count_ - left_, count_));
  }

 private:
  void read_one(element value) {
    if (left_ == 0) path_.fail(fmt::format("has more elements than the shape, which has {}", count_));
    T number{};
    if (!read_number(value, number)) {
      path_.fail(fmt::format("element {} is not a number that the datatype holds", count_ - left_));
    }
    std::memcpy(out_, &number, sizeof number);
    out_ += sizeof number;
    --left_;
  }

  std::byte* out_;
  size_t left_, count_;
  const FieldPath& path_;
};

// How an element lies in memory: a bool may hold any byte there.
template <typename T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;

template <typename T>
void append_element(std::string& out, Stored<T> value) {
  if constexpr (std::is_same_v<T, bool>) {
    out += value != 0 ? "true" : "false";
  } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
    append_number(out, static_cast<float>(value));
  } else {
    append_number(out, value);
  }
}

}  // namespace

void read_json_tensor(simdjson::dom::array array, DataType dtype, size_t count, std::byte* out, const FieldPath& path) {
  const bool known = with_type(dtype, [&]<typename T>(T) {
    Reader<T> reader(out, count, path);
    reader.read(array);
    reader.finish();
  });
  if (!known) path.fail("this datatype has no form in JSON; send it as binary data");
}

void append_json_tensor(std::string& out, DataType dtype, std::span<const std::byte> data) {
  out += '[';
  with_type(dtype, [&]<typename T>(T) {
    for (size_t at = 0; at + sizeof(T) <= data.size(); at += sizeof(T)) {
      Stored<T> value{};
      std::memcpy(&value, data.data() + at, sizeof value);
      if (at > 0) out += ',';
      append_element<T>(out, value);
    }
  });
  out += ']';
}

}  // namespace burnish::server::http
