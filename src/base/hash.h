#pragma once
// XXH3 hashes: checksums of engine sections, keys of caches, provenance of models. Not for security.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace burnish {

uint64_t hash64(std::span<const std::byte> bytes);
uint64_t hash64(std::string_view text);
/// 32 hexadecimal digits of the 128-bit hash.
std::string hash128_hex(std::span<const std::byte> bytes);

}  // namespace burnish
