#pragma once
// Bounds-checked decoding of what BytesWriter wrote. Every failure throws kCorrupt naming the section and the position.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/shape.h"

namespace burnish {

class BytesReader {
 public:
  /// section names the bytes in errors ("plans").
  BytesReader(std::span<const std::byte> bytes, std::string_view section) : bytes_(bytes), section_(section) {}

  uint8_t u8() { return static_cast<uint8_t>(raw(1)[0]); }
  uint32_t u32() { return static_cast<uint32_t>(fixed(4)); }
  uint64_t u64() { return fixed(8); }
  float f32() { return std::bit_cast<float>(u32()); }
  double f64() { return std::bit_cast<double>(u64()); }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = u8();
      if (shift == 63 && byte > 1) break;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    fail("a number is longer than 64 bits");
  }
  int64_t svarint() {
    const uint64_t value = varint();
    return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  /// A signed number that must lie in the range of int32_t.
  int32_t s32() {
    const int64_t value = svarint();
    if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
      fail("a number does not fit 32 bits");
    }
    return static_cast<int32_t>(value);
  }
  /// A number of elements that take at least min_bytes each: bounded by what is left to read.
  size_t count(size_t min_bytes = 1) {
    const uint64_t n = varint();
    if (n > remaining() / min_bytes) fail("a list claims more elements than there are bytes");
    return static_cast<size_t>(n);
  }
  std::string string() {
    const auto bytes = raw(count());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// An enumerator below limit.
  template <typename Enum>
  Enum enumerator(int limit, std::string_view what) {
    const int value = u8();
    if (value >= limit) fail(fmt::format("unknown {} {}", what, value));
    return static_cast<Enum>(value);
  }
  /// Dimensions are not negative; their product is the caller's to check.
  Shape shape() {
    const uint64_t rank = varint();
    if (rank > static_cast<uint64_t>(kMaxRank)) fail(fmt::format("a shape has {} dimensions", rank));
    Shape shape;
    for (uint64_t i = 0; i < rank; ++i) {
      const uint64_t d = varint();
      if (d > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) fail("a dimension is negative");
      shape.push_back(static_cast<int64_t>(d));
    }
    return shape;
  }
  std::span<const std::byte> raw(size_t num_bytes) {
    if (num_bytes > remaining()) fail(fmt::format("{} more bytes were expected", num_bytes));
    const auto part = bytes_.subspan(position_, num_bytes);
    position_ += num_bytes;
    return part;
  }

  size_t remaining() const { return bytes_.size() - position_; }
  /// Call when everything was read.
  void expect_end() const {
    if (remaining() != 0) fail(fmt::format("{} bytes are left over", remaining()));
  }
  [[noreturn]] void fail(std::string_view reason) const {
    throw_error(ErrorCode::kCorrupt, "section {} is damaged near byte {} of {}: {}", section_, position_, bytes_.size(),
                reason);
  }

 private:
  uint64_t fixed(size_t num_bytes) {
    const auto part = raw(num_bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < num_bytes; ++i) value |= static_cast<uint64_t>(part[i]) << (8 * i);
    return value;
  }
  std::span<const std::byte> bytes_;
  size_t position_ = 0;
  std::string section_;
};

}  // namespace burnish
