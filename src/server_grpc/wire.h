#pragma once
// Protobuf's wire format (https://protobuf.dev/programming-guides/encoding), for the messages that carry tensors: they
// are read where they lie and written around what the engine made, without a copy. Reading throws
// Error(kInvalidArgument) that names the field.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "server/request.h"

namespace burnish::server::wire {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t value = 0;      ///< Of kVarint, kFixed64 and kFixed32.
  std::string_view bytes;  ///< Of kBytes.
};

/// The fields of one message, one after the other.
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}
  bool at_end() const { return rest_.empty(); }
  /// False at the end of the message.
  bool next(Field& field);
  uint64_t varint();
  /// T: an integer or floating type of 4 or 8 bytes.
  template <typename T>
  T fixed() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

 private:
  std::string_view take(uint64_t size);
  std::string_view rest_;
};

/// The field's value as what it should be; `name` is for the error.
std::string_view bytes_of(const Field& field, std::string_view name);
/// Checks that it is UTF-8, as protobuf's strings are.
std::string_view text_of(const Field& field, std::string_view name);
uint64_t varint_of(const Field& field, std::string_view name);
double double_of(const Field& field, std::string_view name);

[[noreturn]] void fail_type(const Field& field, std::string_view name, std::string_view expected);
/// Runs f; what it throws says that it was in field `name`.
template <typename F>
void in_field(std::string_view name, F&& f) {
  with_frame([&] { return "field '" + std::string(name) + "'"; }, f);
}

/// Every value of a repeated integer field, packed or not.
template <typename F>
void each_varint(const Field& field, std::string_view name, F&& f) {
  if (field.type == WireType::kVarint) return f(field.value);
  if (field.type != WireType::kBytes) fail_type(field, name, "integers");
  in_field(name, [&] {
    for (Reader packed(field.bytes); !packed.at_end();) f(packed.varint());
  });
}

/// Every value of a repeated float or double field, packed or not.
template <typename T, typename F>
void each_fixed(const Field& field, std::string_view name, F&& f) {
  constexpr WireType kSingle = sizeof(T) == 8 ? WireType::kFixed64 : WireType::kFixed32;
  if (field.type == kSingle)
    return f(std::bit_cast<T>(static_cast<std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>>(field.value)));
  if (field.type != WireType::kBytes) fail_type(field, name, "floating-point numbers");
  in_field(name, [&] {
    for (Reader packed(field.bytes); !packed.at_end();) f(packed.template fixed<T>());
  });
}

/// A message of our own bytes with large foreign ones between them.
class Message {
 public:
  struct Splice {
    size_t at = 0;  ///< Offset in text() before which the bytes stand.
    Bytes bytes;
  };

  void add_varint(uint32_t number, uint64_t value);  ///< Zero is left out, as proto3 does.
  void add_bytes(uint32_t number, std::string_view bytes);
  void add_text(uint32_t number, std::string_view text) {
    if (!text.empty()) add_bytes(number, text);
  }
  void add_packed(uint32_t number, const std::vector<int64_t>& values);
  /// A field of bytes, by reference when they are many; also when there are none.
  void add_splice(uint32_t number, const Bytes& bytes);
  /// A field whose message `fill` writes with these functions, add_splice() excepted.
  template <typename F>
  void add_message(uint32_t number, F&& fill) {
    tag(number, WireType::kBytes);
    const size_t begin = text_.size();
    fill();
    insert_length(begin);
  }
  /// All that was written becomes field `number` of an outer message.
  void wrap(uint32_t number);

  const std::string& text() const { return text_; }
  const std::vector<Splice>& splices() const { return splices_; }
  size_t size() const;
  std::string flatten() const;

 private:
  void tag(uint32_t number, WireType type);
  void varint(uint64_t value);
  void insert_length(size_t begin);
  std::string text_;
  std::vector<Splice> splices_;
};

}  // namespace burnish::server::wire
