#include "ops/strided.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "base/error.h"

namespace burnish {
namespace {

struct Loop {
  int64_t size, in, out;
};

/// Drops loops of one and joins neighbours that step as one.
std::vector<Loop> simplify(std::span<const int64_t> dims, std::span<const int64_t> in, std::span<const int64_t> out) {
  std::vector<Loop> loops;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    if (!loops.empty() && loops.back().in == dims[i] * in[i] && loops.back().out == dims[i] * out[i]) {
      loops.back() = {loops.back().size * dims[i], in[i], out[i]};
    } else {
      loops.push_back({dims[i], in[i], out[i]});
    }
  }
  return loops;
}

template <typename T>
void copy_row(const Loop& loop, const T* in, T* out) {
  if (loop.in == 1 && loop.out == 1) {
    std::memcpy(out, in, static_cast<size_t>(loop.size) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < loop.size; ++i) out[i * loop.out] = in[i * loop.in];
}

template <typename T>
void copy_loops(std::span<const Loop> loops, const T* in, T* out) {
  if (loops.empty()) {
    *out = *in;
  } else if (loops.size() == 1) {
    copy_row(loops[0], in, out);
  } else {
    const Loop& l = loops[0];
    for (int64_t i = 0; i < l.size; ++i) copy_loops(loops.subspan(1), in + i * l.in, out + i * l.out);
  }
}

/// Calls f with a null pointer to an unsigned type of this size.
template <typename F>
void with_size(size_t bytes, F&& f) {
  switch (bytes) {
    case 1:
      return f(static_cast<uint8_t*>(nullptr));
    case 2:
      return f(static_cast<uint16_t*>(nullptr));
    case 4:
      return f(static_cast<uint32_t*>(nullptr));
    case 8:
      return f(static_cast<uint64_t*>(nullptr));
    default:
      throw_error(ErrorCode::kInternal, "no element type has {} bytes", bytes);
  }
}

}  // namespace

void strided_copy(size_t element_bytes, std::span<const int64_t> dims, const void* in,
                  std::span<const int64_t> in_strides, void* out, std::span<const int64_t> out_strides) {
  for (int64_t d : dims) {
    if (d <= 0) return;
  }
  const std::vector<Loop> loops = simplify(dims, in_strides, out_strides);
  with_size(element_bytes, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    copy_loops<T>(loops, static_cast<const T*>(in), static_cast<T*>(out));
  });
}

void fill_elements(size_t element_bytes, const void* value, void* out, int64_t num_elements) {
  with_size(element_bytes, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    T v;
    std::memcpy(&v, value, sizeof(T));
    std::fill_n(static_cast<T*>(out), num_elements, v);
  });
}

void copy_bytes(const TensorView& from, const TensorView& to) {
  check(from.num_bytes() == to.num_bytes(), ErrorCode::kInvalidArgument, "{} does not hold as many bytes as {}",
        to_string(from.shape), to_string(to.shape));
  if (from.num_bytes() != 0 && from.data != to.data) std::memcpy(to.data, from.data, from.num_bytes());
}

}  // namespace burnish
