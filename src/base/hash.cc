#include "base/hash.h"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <random>

namespace burnish {

uint64_t hash64(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}
uint64_t hash64(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

std::string hash128_hex(std::span<const std::byte> bytes) {
  const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", h.high64, h.low64);
}

namespace {

using Secret = std::array<uint32_t, XXH3_SECRET_DEFAULT_SIZE / sizeof(uint32_t)>;

const Secret& process_secret() {
  static const Secret secret = [] {
    std::random_device random;
    Secret s{};
    for (uint32_t& word : s) word = random();
    return s;
  }();
  return secret;
}

}  // namespace

struct SecretHash::State {
  XXH3_state_t xxh;
};

SecretHash::SecretHash() : state_(std::make_unique<State>()) {
  XXH3_INITSTATE(&state_->xxh);
  XXH3_128bits_reset_withSecret(&state_->xxh, process_secret().data(), sizeof(Secret));
}
SecretHash::~SecretHash() = default;

void SecretHash::add(std::span<const std::byte> bytes) {
  const uint64_t length = bytes.size();
  XXH3_128bits_update(&state_->xxh, &length, sizeof(length));
  if (length > 0) XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size());
}

SecretHash::Digest SecretHash::digest() const {
  const XXH128_hash_t h = XXH3_128bits_digest(&state_->xxh);
  return {h.high64, h.low64};
}

}  // namespace burnish
