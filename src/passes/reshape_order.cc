#include "passes/reshape_order.h"

#include <algorithm>

namespace burnish {
namespace {

struct Block {
  size_t in_begin, in_end, out_begin, out_end;
};

/// Splits a Reshape into the smallest runs of dimensions with equal products; empty when there are none.
std::vector<Block> blocks_of(const SymShape& in, const SymShape& out) {
  std::vector<Block> blocks;
  size_t i = 0;
  size_t o = 0;
  while (i < in.size() && o < out.size()) {
    Block b{i, i + 1, o, o + 1};
    Dim left = in[i++];
    Dim right = out[o++];
    while (!(left == right)) {
      // The side whose product divides the other's is the one that is too small.
      const bool grow_left = exact_div(right, left).has_value() && i < in.size();
      if (!grow_left && (!exact_div(left, right).has_value() || o >= out.size())) return {};
      if (grow_left)
        left = left * in[i++];
      else
        right = right * out[o++];
    }
    b.in_end = i;
    b.out_end = o;
    blocks.push_back(b);
  }
  return i == in.size() && o == out.size() ? blocks : std::vector<Block>{};
}

/// Every run of dimensions that the Reshape joins or splits lies together in front of the Transpose too.
bool runs_stay_together(const std::vector<Block>& blocks, const std::vector<int64_t>& perm) {
  for (const Block& b : blocks) {
    for (size_t k = b.in_begin + 1; k < b.in_end; ++k) {
      if (perm[k] != perm[k - 1] + 1) return false;
    }
  }
  return !blocks.empty();
}

}  // namespace

std::optional<ReshapeFirst> transpose_after_reshape(const SymShape& in, const SymShape& out,
                                                    const std::vector<int64_t>& perm) {
  std::vector<Block> blocks = blocks_of(in, out);
  if (!runs_stay_together(blocks, perm)) return std::nullopt;
  std::ranges::sort(blocks, {}, [&](const Block& b) { return perm[b.in_begin]; });
  ReshapeFirst s{{}, std::vector<int64_t>(out.size())};
  for (const Block& b : blocks) {
    for (size_t o = b.out_begin; o < b.out_end; ++o) {
      s.perm[o] = static_cast<int64_t>(s.shape.size());
      s.shape.push_back(out[o]);
    }
  }
  return s;
}

}  // namespace burnish
