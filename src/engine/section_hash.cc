#include "engine/section_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace burnish {

struct SectionHash::State {
  alignas(64) XXH3_state_t xxh;
};

SectionHash::SectionHash() : state_(std::make_unique<State>()) {
  XXH3_64bits_reset(&state_->xxh);
}
SectionHash::~SectionHash() = default;

void SectionHash::update(const void* data, size_t num_bytes) {
  XXH3_64bits_update(&state_->xxh, data, num_bytes);
}
uint64_t SectionHash::digest() const {
  return XXH3_64bits_digest(&state_->xxh);
}

}  // namespace burnish
