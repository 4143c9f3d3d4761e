#pragma once
// Items into batches and out of them again.
#include <cstddef>
#include <cstdint>
#include <span>

namespace burnish::server {

/// Copies what two dense, row-major arrays of equal rank have in common: the box from 0 to the smaller of both
/// dimensions. Into a larger one that was zeroed this pads; into a smaller one it crops.
void copy_common_box(const std::byte* from, std::span<const int64_t> from_dims, std::byte* to,
                     std::span<const int64_t> to_dims, size_t element_bytes);

/// Copies truth values of any bytes as 0 and 1, which is all that kernels expect.
void copy_bools(const std::byte* from, std::byte* to, size_t count);

}  // namespace burnish::server
