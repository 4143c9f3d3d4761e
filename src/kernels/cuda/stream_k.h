#pragma once
// Stream-K: as many blocks as run at once share all work of a product, however many tiles that is, so that none of them
// waits for another wave. A tile that several blocks worked on is finished by the one that ends it.
// After: Osama, Merrill, Cecka, Garland, Owens, "Stream-K: Work-centric Parallel Decomposition for Dense Matrix-Matrix
// Multiplication on the GPU", PPoPP 2023.
#include <cstdint>
#include <string_view>

namespace burnish::cuda {

/// How all work of a product is shared.
struct StreamK {
  int64_t tiles = 0;  ///< Of all matrices.
  int64_t units = 0;  ///< Steps along K of one tile.
  int64_t blocks = 0;
};

/// steps: along K, of a tile; at least one is done even where K is empty. most_blocks: those that run at once.
StreamK share_by_stream_k(int64_t tiles, int64_t steps, int64_t most_blocks);

/// CUDA source: the shares (stream_k.inc), and what blocks hand each other: send_partial(), add_partials().
std::string_view stream_k_source();

}  // namespace burnish::cuda
