#include "server_grpc/wire.h"

#include <array>

#include "base/error.h"
#include "server/utf8.h"

namespace burnish::server::wire {
namespace {

constexpr size_t kSpliceBytes = 4096;  // below, a copy costs less than a reference
constexpr size_t kMaxVarintBytes = 10;

using VarintBytes = std::array<char, kMaxVarintBytes>;

std::string_view encode_varint(uint64_t value, VarintBytes& bytes) {
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
  bytes[size++] = static_cast<char>(value);
  return {bytes.data(), size};
}

[[noreturn]] void malformed(std::string_view what) {
  throw_error(ErrorCode::kInvalidArgument, "malformed protobuf message: {}", what);
}

}  // namespace

std::string_view Reader::take(uint64_t size) {
  if (size > rest_.size()) {
    throw_error(ErrorCode::kInvalidArgument, "malformed protobuf message: {} bytes are announced and {} are left", size,
                rest_.size());
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

uint64_t Reader::varint() {
  uint64_t value = 0;
  for (size_t i = 0; i < rest_.size() && i < kMaxVarintBytes; ++i) {
    const uint64_t bits = static_cast<unsigned char>(rest_[i]);
    value |= (bits & 0x7F) << (7 * i);
    if (bits & 0x80) continue;
    rest_.remove_prefix(i + 1);
    return value;
  }
  malformed(rest_.size() < kMaxVarintBytes ? "it ends inside a number" : "a number has more than 10 bytes");
}

bool Reader::next(Field& field) {
  if (rest_.empty()) return false;
  const uint64_t tag = varint();
  if (tag >> 3 == 0 || tag >> 32 != 0) malformed("a field has no valid number");
  field.number = static_cast<uint32_t>(tag >> 3);
  field.type = static_cast<WireType>(tag & 7);
  with_frame([&] { return fmt::format("field {}", field.number); },
             [&] {
               switch (field.type) {
                 case WireType::kVarint:
                   field.value = varint();
                   return;
                 case WireType::kFixed64:
                   field.value = fixed<uint64_t>();
                   return;
                 case WireType::kFixed32:
                   field.value = fixed<uint32_t>();
                   return;
                 case WireType::kBytes:
                   field.bytes = take(varint());
                   return;
               }
               throw_error(ErrorCode::kInvalidArgument,
                           "malformed protobuf message: wire type {} is not part of proto3", tag & 7);
             });
  return true;
}

void fail_type(const Field& field, std::string_view name, std::string_view expected) {
  throw_error(ErrorCode::kInvalidArgument, "field '{}' (number {}) has wire type {}, which cannot hold {}", name,
              field.number, static_cast<int>(field.type), expected);
}

std::string_view bytes_of(const Field& field, std::string_view name) {
  if (field.type != WireType::kBytes) fail_type(field, name, "bytes");
  return field.bytes;
}

std::string_view text_of(const Field& field, std::string_view name) {
  if (field.type != WireType::kBytes) fail_type(field, name, "text");
  check(is_utf8(field.bytes), ErrorCode::kInvalidArgument, "field '{}' is not UTF-8", name);
  return field.bytes;
}

uint64_t varint_of(const Field& field, std::string_view name) {
  if (field.type != WireType::kVarint) fail_type(field, name, "an integer");
  return field.value;
}

double double_of(const Field& field, std::string_view name) {
  if (field.type != WireType::kFixed64) fail_type(field, name, "a double");
  return std::bit_cast<double>(field.value);
}

void Message::varint(uint64_t value) {
  VarintBytes bytes;
  text_ += encode_varint(value, bytes);
}

void Message::tag(uint32_t number, WireType type) {
  varint(static_cast<uint64_t>(number) << 3 | static_cast<uint64_t>(type));
}

void Message::add_varint(uint32_t number, uint64_t value) {
  if (value == 0) return;
  tag(number, WireType::kVarint);
  varint(value);
}

void Message::add_bytes(uint32_t number, std::string_view bytes) {
  tag(number, WireType::kBytes);
  varint(bytes.size());
  text_ += bytes;
}

void Message::add_packed(uint32_t number, const std::vector<int64_t>& values) {
  if (values.empty()) return;
  add_message(number, [&] {
    for (const int64_t value : values) varint(static_cast<uint64_t>(value));
  });
}

void Message::add_splice(uint32_t number, const Bytes& bytes) {
  if (bytes.size < kSpliceBytes) {
    return add_bytes(number, {reinterpret_cast<const char*>(bytes.data), bytes.size});
  }
  tag(number, WireType::kBytes);
  varint(bytes.size);
  splices_.push_back({text_.size(), bytes});
}

void Message::insert_length(size_t begin) {
  VarintBytes bytes;
  text_.insert(begin, encode_varint(text_.size() - begin, bytes));
}

void Message::wrap(uint32_t number) {
  Message head;
  head.tag(number, WireType::kBytes);
  head.varint(size());
  text_.insert(0, head.text_);
  for (Splice& splice : splices_) splice.at += head.text_.size();
}

size_t Message::size() const {
  size_t size = text_.size();
  for (const Splice& splice : splices_) size += splice.bytes.size;
  return size;
}

std::string Message::flatten() const {
  std::string flat;
  size_t done = 0;
  for (const Splice& splice : splices_) {
    flat.append(text_, done, splice.at - done);
    flat.append(reinterpret_cast<const char*>(splice.bytes.data), splice.bytes.size);
    done = splice.at;
  }
  return flat.append(text_, done);
}

}  // namespace burnish::server::wire
