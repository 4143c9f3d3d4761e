#include "server/tensor_copy.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

namespace burnish::server {
namespace {

size_t bytes_of(std::span<const int64_t> dims, size_t element_bytes) {
  return std::accumulate(dims.begin(), dims.end(), element_bytes,
                         [](size_t bytes, int64_t d) { return bytes * static_cast<size_t>(d); });
}

}  // namespace

void copy_common_box(const std::byte* from, std::span<const int64_t> from_dims, std::byte* to,
                     std::span<const int64_t> to_dims, size_t element_bytes) {
  if (from_dims.empty() || std::ranges::equal(from_dims.subspan(1), to_dims.subspan(1))) {
    const size_t rows = from_dims.empty() ? 1 : static_cast<size_t>(std::min(from_dims[0], to_dims[0]));
    const size_t row = from_dims.empty() ? element_bytes : bytes_of(from_dims.subspan(1), element_bytes);
    if (rows * row > 0) std::memcpy(to, from, rows * row);
    return;
  }
  const size_t from_step = bytes_of(from_dims.subspan(1), element_bytes);
  const size_t to_step = bytes_of(to_dims.subspan(1), element_bytes);
  for (int64_t i = 0; i < std::min(from_dims[0], to_dims[0]); ++i) {
    copy_common_box(from, from_dims.subspan(1), to, to_dims.subspan(1), element_bytes);
    from += from_step;
    to += to_step;
  }
}

void copy_bools(const std::byte* from, std::byte* to, size_t count) {
  std::transform(from, from + count, to, [](std::byte b) { return b == std::byte{0} ? std::byte{0} : std::byte{1}; });
}

}  // namespace burnish::server
