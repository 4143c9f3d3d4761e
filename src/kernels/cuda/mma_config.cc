#include "kernels/cuda/mma_config.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/cuda/config.h"
#include "kernels/cuda/launch.h"

namespace burnish::cuda {
namespace {

constexpr size_t kMostCandidates = 6;
constexpr int kMostBlocksPerSm = 8;
constexpr int64_t kLeastStreamedSteps = 4, kMostStreamedWaves = 3;

struct Tile {
  int bm, bn, warps_m, warps_n;
};
constexpr Tile kTensorCoreTiles[] = {{16, 64, 1, 4},   {16, 128, 1, 4}, {32, 32, 2, 2},   {32, 64, 2, 2},
                                     {32, 128, 1, 4},  {64, 32, 2, 2},  {64, 64, 2, 2},   {128, 32, 4, 1},
                                     {64, 128, 2, 2},  {128, 64, 2, 2}, {128, 64, 4, 2},  {128, 128, 2, 2},
                                     {128, 128, 2, 4}, {256, 64, 4, 2}, {128, 256, 2, 4}, {256, 128, 4, 2}};
// Each lane takes every fourth row and every eighth column of its warp's tile.
constexpr Tile kLaneTiles[] = {{16, 64, 1, 4},  {32, 32, 2, 1},  {32, 64, 2, 2},  {64, 32, 2, 1},  {64, 64, 2, 2},
                               {128, 32, 4, 1}, {64, 128, 2, 2}, {128, 64, 4, 1}, {128, 128, 4, 2}};
constexpr int kSplits[] = {1, 2, 4, 8};

/// Rates of one multiprocessor per clock, and latencies in clocks. Guesses that only have to order configurations.
struct Rates {
  double multiply_adds, l2_bytes = 40, shared_bytes = 128;
  double latency = 700, fixed = 1500, split;
  double step = 90, product = 40;  // a barrier, and what follows it one after the other for every 32 bytes of K
};

Rates rates_of(const MmaSize& size, const Target& target) {
  Rates r;
  r.split = target.sm >= 90 ? 1500 : 5000;
  if (!size.tensor_cores) {
    r.multiply_adds = target.sm == 80 || target.sm == 75 ? 64 : 128;
  } else {
    r.multiply_adds = target.sm == 90 || target.sm == 80 || target.sm == 100 ? 1024 : 512;
    if (size.element_bytes == 4) r.multiply_adds /= 2;
  }
  return r;
}

int64_t blocks_per_sm(const MmaConfig& c, const MmaSize& size, const Target& target) {
  const int64_t registers = std::min(255, c.bm * c.bn / c.threads() + 80) * c.threads();
  const int64_t by_shared = (target.shared_bytes + 1024) / (c.shared_bytes(size.element_bytes) + 1024);
  return std::max<int64_t>(1, std::min({by_shared, 65536 / registers, int64_t{1536} / c.threads()}));
}

int64_t tiles_of(const MmaConfig& c, const MmaSize& size) {
  return ceil_div(size.m, c.bm) * ceil_div(size.n, c.bn) * size.batch;
}

/// Clocks.
double estimate(const MmaConfig& c, const MmaSize& size, const Target& target) {
  const Rates r = rates_of(size, target);
  const StreamK shared = share_work(c, size, target.num_sms);
  const int64_t blocks = c.stream > 0 ? shared.blocks : tiles_of(c, size) * c.splits;
  const int64_t sms = std::max(1, target.num_sms);
  const int64_t together = std::min(blocks_per_sm(c, size, target), ceil_div(blocks, sms));
  const auto waves = static_cast<double>(ceil_div(blocks, sms * together));
  const int64_t tile_steps = ceil_div(size.k, c.bk);
  const auto steps =
      static_cast<double>(c.stream > 0 ? ceil_div(shared.units, blocks) : ceil_div(tile_steps, c.splits));
  const double k_bytes = static_cast<double>(c.bk) * static_cast<double>(size.element_bytes);
  const double multiply = static_cast<double>(c.bm) * c.bn * c.bk / r.multiply_adds;
  const double fetch = (c.bm + c.bn) * k_bytes / r.l2_bytes;
  const double read = (c.bm * c.warps_n + c.bn * c.warps_m) * k_bytes / r.shared_bytes;
  const double busy = static_cast<double>(together) * std::max({multiply, fetch, read});
  const double step = std::max({r.latency / (c.stages - 1), r.step + r.product * k_bytes / 32, busy});
  double finish = static_cast<double>(together) * c.bm * c.bn / 16 + (c.splits > 1 ? r.split : 0);
  if (c.stream > 0) {
    // A tile's sums from all its blocks but one are read one after the other.
    const double others = std::max(1.0, static_cast<double>(tile_steps) / steps);
    finish += 3 * r.latency + others * 4 * c.bm * c.bn / r.l2_bytes;
  }
  return waves * (r.fixed + steps * step + finish);
}

/// As many stages as leave room for a second block, and no more than K has use for: blocks of small K live on the
/// overlap of several blocks.
int stages_of(const MmaConfig& c, const MmaSize& size, const Target& target) {
  if (target.sm < 80) return 2;
  const int64_t stage = (c.bm + c.bn) * c.bk * size.element_bytes;
  const int64_t least = stage * 6 > target.shared_bytes ? 3 : 4;
  const int64_t steps = ceil_div(ceil_div(size.k, c.bk), c.splits);
  const int64_t most = steps <= 5 ? std::max<int64_t>(2, steps + 1) : steps <= 12 ? 4 : 6;
  return static_cast<int>(
      std::clamp((target.shared_bytes / 2 - 2048) / stage, std::min<int64_t>({3, least, most}), most));
}

/// Large tiles that would mostly stand empty are not worth a compilation, nor are splits where there is work enough.
bool is_sensible(const MmaConfig& c, const MmaSize& size, const Target& target) {
  const int64_t steps = ceil_div(size.k, c.bk);
  const int64_t blocks = tiles_of(c, size) * c.splits;
  const bool splits_well =
      c.splits == 1 || (steps >= 2 * c.splits && c.bm % c.splits == 0 && blocks <= 2 * std::max(1, target.num_sms));
  return splits_well && c.shared_bytes(size.element_bytes) <= target.shared_bytes &&
         (c.bm <= 32 || c.bm < 2 * size.m) && (c.bn <= 32 || c.bn < 2 * size.n);
}

std::vector<MmaConfig> all_configs(const MmaSize& size, const Target& target) {
  const std::span<const Tile> tiles =
      size.tensor_cores ? std::span<const Tile>(kTensorCoreTiles) : std::span<const Tile>(kLaneTiles);
  std::vector<MmaConfig> configs;
  for (const Tile& t : tiles) {
    for (const int k_bytes : {64, 128}) {
      for (const int splits : kSplits) {
        MmaConfig c{t.bm, t.bn, static_cast<int>(k_bytes / size.element_bytes), t.warps_m, t.warps_n, 0, splits};
        c.stages = stages_of(c, size, target);
        if (is_sensible(c, size, target)) configs.push_back(c);
      }
    }
  }
  return configs;
}

/// Stream-K is for the few waves whose last one would leave much of the GPU idle, and for tiles with steps to share.
bool streams_well(const MmaConfig& c, const MmaSize& size, const Target& target) {
  const int64_t slots = std::max(1, target.num_sms) * int64_t{c.stream}, tiles = tiles_of(c, size);
  const int64_t waves = ceil_div(tiles, slots);
  return size.tensor_cores && ceil_div(size.k, c.bk) >= kLeastStreamedSteps && waves <= kMostStreamedWaves &&
         5 * tiles <= 4 * waves * slots && (waves > 1 || share_work(c, size, target.num_sms).blocks > tiles);
}

/// The tiles that are sensible alone, by stream-K.
std::vector<MmaConfig> streamed_configs(std::span<const MmaConfig> configs, const MmaSize& size, const Target& target) {
  std::vector<MmaConfig> streamed;
  for (MmaConfig c : configs) {
    if (c.splits != 1) continue;
    c.stream = static_cast<int>(std::min<int64_t>(blocks_per_sm(c, size, target), kMostBlocksPerSm));
    if (streams_well(c, size, target)) streamed.push_back(c);
  }
  return streamed;
}

}  // namespace

StreamK share_work(const MmaConfig& config, const MmaSize& size, int num_sms) {
  return share_by_stream_k(tiles_of(config, size), ceil_div(size.k, config.bk),
                           int64_t{std::max(1, num_sms)} * config.stream);
}

int64_t MmaConfig::shared_bytes(int64_t element_bytes) const {
  const int64_t pipeline = static_cast<int64_t>(stages) * (bm + bn) * bk * element_bytes;
  const int64_t sums = static_cast<int64_t>(bm) * (bn + 8) * 4;
  return std::max(pipeline, sums) + 2 * static_cast<int64_t>(bn) * 4;
}

std::string to_string(const MmaConfig& c, const std::string& arch) {
  const std::string text = fmt::format("{} tile={}x{}x{} warps={}x{} stages={} splitk={}", arch, c.bm, c.bn, c.bk,
                                       c.warps_m, c.warps_n, c.stages, c.splits);
  return c.stream == 0 ? text : fmt::format("{} streamk={}", text, c.stream);
}

MmaConfig parse_mma_config(std::string_view text) {
  const std::vector<int> tile = ints_of(text, "tile", 3), warps = ints_of(text, "warps", 2);
  MmaConfig c{tile[0], tile[1], tile[2], warps[0], warps[1]};
  c.stages = int_of(text, "stages", 2);
  c.splits = int_of(text, "splitk", 1);
  c.stream = int_of(text, "streamk", 0);
  const bool fits = c.stages >= 2 && c.stages <= 8 && c.splits >= 1 && c.splits <= 8 && c.stream >= 0 &&
                    c.stream <= kMostBlocksPerSm && (c.stream == 0 || c.splits == 1) && c.threads() <= 1024;
  check(fits, ErrorCode::kCorrupt, "the configuration '{}' is none of a tiled product", text);
  return c;
}

std::vector<MmaConfig> mma_candidates(const MmaSize& size, const Target& target) {
  const auto sorted = [&](std::vector<MmaConfig> configs) {
    std::stable_sort(configs.begin(), configs.end(), [&](const MmaConfig& a, const MmaConfig& b) {
      return estimate(a, size, target) < estimate(b, size, target);
    });
    return configs;
  };
  const std::vector<MmaConfig> configs = sorted(all_configs(size, target));
  // Of one tile the best only: guesses that differ little are all wrong together.
  std::vector<MmaConfig> chosen;
  for (const MmaConfig& c : configs) {
    const auto same = [&](const MmaConfig& o) { return o.bm == c.bm && o.bn == c.bn && o.splits == c.splits; };
    if (chosen.size() < kMostCandidates && std::none_of(chosen.begin(), chosen.end(), same)) chosen.push_back(c);
  }
  // Every candidate is a compilation: of stream-K one.
  const std::vector<MmaConfig> streamed = sorted(streamed_configs(configs, size, target));
  if (!streamed.empty()) chosen.push_back(streamed.front());
  return chosen;
}

}  // namespace burnish::cuda
