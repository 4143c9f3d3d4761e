#pragma once
// Arithmetic on sizes that come from files, sockets or users: overflow is an error, never a wrap.
#include <cstdint>

#include "base/error.h"

namespace burnish {

inline int64_t checked_mul(int64_t a, int64_t b) {
  int64_t r = 0;
  check(!__builtin_mul_overflow(a, b, &r), ErrorCode::kInvalidArgument, "size overflow: {} × {}", a, b);
  return r;
}

inline int64_t checked_add(int64_t a, int64_t b) {
  int64_t r = 0;
  check(!__builtin_add_overflow(a, b, &r), ErrorCode::kInvalidArgument, "size overflow: {} + {}", a, b);
  return r;
}

}  // namespace burnish
