#pragma once
// XXH3 hashes: checksums of engine sections, keys of caches, provenance of models. Not for security.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace burnish {

uint64_t hash64(std::span<const std::byte> bytes);
uint64_t hash64(std::string_view text);
/// 32 hexadecimal digits of the 128-bit hash.
std::string hash128_hex(std::span<const std::byte> bytes);

/// A 128-bit hash of what is added piece by piece, under a random secret of this process: those who choose the bytes
/// cannot look for two that collide. Equal pieces in equal order give equal digests within the process.
class SecretHash {
 public:
  using Digest = std::array<uint64_t, 2>;
  SecretHash();
  ~SecretHash();
  SecretHash(const SecretHash&) = delete;
  SecretHash& operator=(const SecretHash&) = delete;
  /// With its length, so that where a piece ends counts.
  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  void add(uint64_t number) { add(std::as_bytes(std::span(&number, 1))); }
  Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace burnish
