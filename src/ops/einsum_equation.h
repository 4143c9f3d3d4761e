#pragma once
// The equation of Einsum, parsed and bound to the ranks of its operands.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace burnish {

/// One label per dimension: a letter, or for the k-th dimension that "..." covers, counted from the right, the
/// character kEllipsisBase + k.
inline constexpr char kEllipsisBase = 1;

struct EinsumEquation {
  std::vector<std::string> inputs;
  std::string output;
};

/// Throws kInvalidModel naming the fault. The implicit output (no "->") is written out.
EinsumEquation parse_einsum(std::string_view equation, std::span<const int> ranks);

}  // namespace burnish
