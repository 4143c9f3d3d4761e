#pragma once
// Permutations between the two layouts of images, and what they do to axes.
#include <algorithm>
#include <cstdint>
#include <vector>

namespace burnish {

/// Of a Transpose that makes [N, C, spatial…] from [N, spatial…, C].
inline std::vector<int64_t> to_channels_first(int rank) {
  std::vector<int64_t> perm = {0, rank - 1};
  for (int i = 1; i + 1 < rank; ++i) perm.push_back(i);
  return perm;
}

/// Of a Transpose that makes [N, spatial…, C] from [N, C, spatial…].
inline std::vector<int64_t> to_channels_last(int rank) {
  std::vector<int64_t> perm = {0};
  for (int i = 2; i < rank; ++i) perm.push_back(i);
  perm.push_back(1);
  return perm;
}

inline std::vector<int64_t> inverse(const std::vector<int64_t>& perm) {
  std::vector<int64_t> result(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) result[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  return result;
}

}  // namespace burnish
