#pragma once
// Little-endian encoding into a growing vector; the counterpart of BytesReader.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/shape.h"

namespace burnish {

class BytesWriter {
 public:
  void u8(uint8_t value) { bytes_.push_back(static_cast<std::byte>(value)); }
  void u32(uint32_t value) { fixed(value, 4); }
  void u64(uint64_t value) { fixed(value, 8); }
  void f32(float value) { u32(std::bit_cast<uint32_t>(value)); }
  void f64(double value) { u64(std::bit_cast<uint64_t>(value)); }
  /// Seven bits a byte, the lowest first, the top bit set on all but the last byte (LEB128).
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) u8(static_cast<uint8_t>(value) | 0x80);
    u8(static_cast<uint8_t>(value));
  }
  /// Zigzag: small numbers of either sign take one byte.
  void svarint(int64_t value) { varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63)); }
  void string(std::string_view text) {
    varint(text.size());
    raw(text.data(), text.size());
  }
  void shape(const Shape& shape) {
    varint(static_cast<uint64_t>(shape.rank()));
    for (const int64_t d : shape) varint(static_cast<uint64_t>(d));
  }
  void raw(const void* data, size_t num_bytes) {
    const auto* p = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), p, p + num_bytes);
  }
  /// Writes the number of elements, then each with write(element).
  template <typename Range, typename F>
  void list(const Range& range, const F& write) {
    varint(range.size());
    for (const auto& element : range) write(element);
  }

  size_t size() const { return bytes_.size(); }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void fixed(uint64_t value, int num_bytes) {
    for (int i = 0; i < num_bytes; ++i) u8(static_cast<uint8_t>(value >> (8 * i)));
  }
  std::vector<std::byte> bytes_;
};

}  // namespace burnish
