// Stream-K: how blocks share a product's work, played on the host, and which products it is tried for.
#include "kernels/cuda/stream_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/error.h"
#include "kernels/cuda/mma_config.h"

namespace burnish::cuda {
namespace {

#define BURNISH_TEXT(...) __VA_ARGS__
#define __device__
#define __forceinline__ inline
#include "kernels/cuda/stream_k.inc"
#undef __device__
#undef __forceinline__
#undef BURNISH_TEXT

/// Of whom a tile's sums come.
struct Tile {
  std::vector<int> steps;    ///< By step: how often it was done.
  std::vector<int> senders;  ///< Blocks that sent partial sums, in the order of the steps' end.
  std::vector<int> enders;   ///< Blocks that finished it.
};

/// What all blocks do, as the kernel's loop goes through a share.
std::vector<Tile> play(int tiles, int steps, int blocks) {
  std::vector<Tile> played(static_cast<size_t>(tiles), {std::vector<int>(static_cast<size_t>(steps), 0), {}, {}});
  const int units = tiles * steps;
  for (int block = 0; block < blocks; ++block) {
    const int begin = share_begin(block, units, blocks);
    int num_sent = 0;
    bool is_first = true, waited = false;
    for (int end = share_begin(block + 1, units, blocks); end > begin; is_first = false) {
      const Part part = last_part(begin, end, steps);
      Tile& tile = played[static_cast<size_t>(part.tile)];
      EXPECT_GT(part.count, 0);
      for (int i = 0; i < part.count; ++i) ++tile.steps[static_cast<size_t>(part.first + i)];
      if (part.ends) {
        tile.enders.push_back(block);
        const int first = owner_of(part.tile * steps, units, blocks);
        // Blocks that began the tile sent their sums; others of them are not waited for.
        EXPECT_EQ(first<block, part.first> 0);
        EXPECT_LE(first, block);
        std::vector<int> expected;
        for (int b = first; b < block; ++b) expected.push_back(b);
        EXPECT_EQ(tile.senders, expected);
        waited = waited || first < block;
      } else {
        EXPECT_TRUE(is_first && !waited) << "block " << block << " keeps others waiting";
        tile.senders.push_back(block);
        ++num_sent;
      }
      end -= part.count;
    }
    EXPECT_LE(num_sent, 1) << "block " << block << " has one place for partial sums";
  }
  return played;
}

void expect_all_done(int tiles, int steps, int blocks) {
  SCOPED_TRACE(fmt::format("{} tiles of {} steps by {} blocks", tiles, steps, blocks));
  for (const Tile& tile : play(tiles, steps, blocks)) {
    EXPECT_EQ(std::count(tile.steps.begin(), tile.steps.end(), 1), steps);
    EXPECT_EQ(tile.enders.size(), 1U);
  }
}

TEST(StreamK, EveryStepIsDoneOnceAndEveryTileFinishedOnce) {
  for (int tiles = 1; tiles <= 9; ++tiles) {
    for (int steps = 1; steps <= 9; ++steps) {
      for (int most = 1; most <= 40; ++most) {
        const StreamK s = share_by_stream_k(tiles, steps, most);
        ASSERT_EQ(s.units, tiles * steps);
        ASSERT_LE(s.blocks, most);
        expect_all_done(tiles, steps, static_cast<int>(s.blocks));
      }
    }
  }
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    const int tiles = std::uniform_int_distribution(1, 400)(random),
              steps = std::uniform_int_distribution(1, 80)(random);
    expect_all_done(tiles, steps, static_cast<int>(share_by_stream_k(tiles, steps, 132 * (1 + i % 4)).blocks));
  }
}

TEST(StreamK, SharesDifferByOneAtMost) {
  for (const int blocks : {1, 7, 132, 264}) {
    for (const int units : {264, 1000, 123457}) {
      for (int b = 0; b < blocks; ++b) {
        const int count = share_begin(b + 1, units, blocks) - share_begin(b, units, blocks);
        EXPECT_TRUE(count == units / blocks || count == units / blocks + 1);
      }
      EXPECT_EQ(share_begin(blocks, units, blocks), units);
    }
  }
}

TEST(StreamK, EmptyKIsOneStep) {
  EXPECT_EQ(share_by_stream_k(6, 0, 132).units, 6);
}

size_t num_streamed(const MmaSize& size) {
  const auto candidates = mma_candidates(size, absent_gpu(90, 1));
  return static_cast<size_t>(
      std::count_if(candidates.begin(), candidates.end(), [](const MmaConfig& c) { return c.stream > 0; }));
}

TEST(StreamK, IsTriedOnceAndForSmallProductsOnly) {
  EXPECT_EQ(num_streamed({.m = 128, .n = 768, .k = 3072}), 1U);
  EXPECT_EQ(num_streamed({.m = 196, .n = 256, .k = 2304}), 1U);
  EXPECT_EQ(num_streamed({.m = 16384, .n = 3072, .k = 768}), 0U) << "there are tiles enough";
  EXPECT_EQ(num_streamed({.m = 128, .n = 768, .k = 64}), 0U) << "there is nothing to share";
  EXPECT_EQ(num_streamed({.m = 128, .n = 768, .k = 3072, .element_bytes = 4, .tensor_cores = false}), 0U);
}

TEST(StreamK, ConfigurationsAreReadAsTheyAreWritten) {
  MmaConfig c{.stream = 2};
  const std::string text = to_string(c, "sm_90a");
  EXPECT_EQ(parse_mma_config(text).stream, 2);
  EXPECT_EQ(to_string(parse_mma_config(text), "sm_90a"), text);
  c.stream = 0;
  EXPECT_EQ(parse_mma_config(to_string(c, "sm_90a")).stream, 0);
  EXPECT_THROW(parse_mma_config("sm_90a tile=64x64x32 warps=2x2 stages=4 splitk=2 streamk=1"), Error);
}

}  // namespace
}  // namespace burnish::cuda
