#pragma once
// Which Transpose a Reshape leaves behind when it goes in front of one.
#include <cstdint>
#include <optional>
#include <vector>

#include "ops/dim.h"

namespace burnish {

/// Reshape(Transpose(x)) as Transpose(Reshape(x)).
struct ReshapeFirst {
  SymShape shape;             ///< Of the Reshape.
  std::vector<int64_t> perm;  ///< Of the Transpose.
};

/// For a Reshape from in to out behind a Transpose with this permutation. nullopt when it joins dimensions that lie
/// apart in front of the Transpose, or when symbols leave it open which dimensions it joins.
std::optional<ReshapeFirst> transpose_after_reshape(const SymShape& in, const SymShape& out,
                                                    const std::vector<int64_t>& perm);

}  // namespace burnish
