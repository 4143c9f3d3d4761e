#pragma once
// Makes the checksums of a damaged engine right again, so that damage reaches the code behind them.
#include <cstring>
#include <span>

#include "base/hash.h"

namespace burnish::testing {

/// Sets the size and all checksums in the head, as far as the table of sections points into the file. The layout is
/// that of docs/engine-format.md.
inline void mend_checksums(std::span<std::byte> bytes) {
  constexpr size_t kTable = 32, kEntry = 32, kHead = 168;
  if (bytes.size() < kHead) return;
  const auto load = [&](size_t at) {
    uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof(value));
    return value;
  };
  const auto store = [&](size_t at, uint64_t value) { std::memcpy(bytes.data() + at, &value, sizeof(value)); };
  store(16, bytes.size());
  for (size_t at = kTable; at < kTable + 4 * kEntry; at += kEntry) {
    const uint64_t offset = load(at + 8);
    const uint64_t size = load(at + 16);
    if (offset <= bytes.size() && size <= bytes.size() - offset) store(at + 24, hash64(bytes.subspan(offset, size)));
  }
  store(kHead - 8, hash64(bytes.first(kHead - 8)));
}

}  // namespace burnish::testing
