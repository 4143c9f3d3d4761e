#pragma once
// XXH3 of bytes that come in pieces; equals hash64 of the pieces joined.
#include <cstddef>
#include <cstdint>
#include <memory>

namespace burnish {

class SectionHash {
 public:
  SectionHash();
  ~SectionHash();
  SectionHash(const SectionHash&) = delete;
  SectionHash& operator=(const SectionHash&) = delete;
  void update(const void* data, size_t num_bytes);
  uint64_t digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace burnish
