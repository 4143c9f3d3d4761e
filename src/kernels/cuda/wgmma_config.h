#pragma once
// Configurations of the products by warpgroups, and which of them to try first.
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/target.h"

namespace burnish::cuda {

/// "sm_90a tile=128x256x64 groups=2x1 stages=4 alternate=0 cluster=1": a block's tile in rows, columns and elements of
/// K, shared out among its warpgroups; alternate: two warpgroups take whole tiles in turn, so that one multiplies while
/// the other finishes its results; cluster: so many blocks, one below the other, share what they fetch of B.
struct WgmmaConfig {
  static constexpr int kBK = 64;  // 128 bytes
  int bm = 128, bn = 128, groups_m = 2, groups_n = 1, stages = 4;
  bool alternate = false;
  int cluster = 1;

  int consumers() const { return alternate ? 2 : groups_m * groups_n; }
  /// One more warpgroup fetches.
  int threads() const { return 128 * (1 + consumers()); }
  /// Of one warpgroup.
  int group_rows() const { return bm / groups_m; }
  int group_columns() const { return bn / groups_n; }
  /// What a block itself fetches of a stage.
  int64_t fetched_bytes() const { return static_cast<int64_t>(bm + bn / cluster) * kBK * 2; }
  int64_t stage_bytes() const { return static_cast<int64_t>(bm + bn) * kBK * 2; }
  /// Dynamic shared memory of a block: stages, barriers, columns' scales and biases, room for alignment.
  int64_t shared_bytes() const;
};

std::string to_string(const WgmmaConfig& config, const std::string& arch);
/// Throws kCorrupt for a configuration that no candidates() made.
WgmmaConfig parse_wgmma_config(std::string_view text);

/// The best guesses first. taps: K is so many times k channels.
std::vector<WgmmaConfig> wgmma_candidates(int64_t m, int64_t n, int64_t k, int64_t taps, const Target& target);

}  // namespace burnish::cuda
