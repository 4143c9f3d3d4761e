#pragma once
// Configurations of the tiled products, and which of them to try first.
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/cuda/stream_k.h"
#include "kernels/target.h"

namespace burnish::cuda {

/// "sm_90a tile=128x64x32 warps=2x2 stages=4 splitk=1": a block's tile in rows, columns and elements of K. "… splitk=1
/// streamk=2": by stream-K (stream_k.h) with two blocks a multiprocessor.
struct MmaConfig {
  int bm = 64, bn = 64, bk = 32, warps_m = 2, warps_n = 2, stages = 4, splits = 1;
  int stream = 0;  ///< Blocks a multiprocessor of stream-K; 0: blocks have tiles of their own, or splits of one.

  int threads() const { return 32 * warps_m * warps_n; }
  /// Dynamic shared memory of a block.
  int64_t shared_bytes(int64_t element_bytes) const;
};

std::string to_string(const MmaConfig& config, const std::string& arch);
/// Throws kCorrupt for a configuration that no candidates() made.
MmaConfig parse_mma_config(std::string_view text);

/// What decides how long a product takes.
struct MmaSize {
  int64_t m = 0, n = 0, k = 0, batch = 1;
  int64_t element_bytes = 2;
  bool tensor_cores = true;
};

/// How a product by stream-K is shared on a GPU with so many multiprocessors.
StreamK share_work(const MmaConfig& config, const MmaSize& size, int num_sms);

/// The best guesses first, by a model of waves of blocks over the multiprocessors.
std::vector<MmaConfig> mma_candidates(const MmaSize& size, const Target& target);

}  // namespace burnish::cuda
