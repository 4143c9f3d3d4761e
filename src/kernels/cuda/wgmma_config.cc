#include "kernels/cuda/wgmma_config.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/cuda/config.h"
#include "kernels/cuda/launch.h"

namespace burnish::cuda {
namespace {

constexpr size_t kMostCandidates = 12;
constexpr int kMostStages = 8;

constexpr WgmmaConfig kShapes[] = {
    {64, 64, 1, 1, 0},
    {64, 128, 1, 2, 0},
    {128, 64, 2, 1, 0},
    {128, 128, 2, 1, 0},
    {128, 192, 2, 1, 0},
    {128, 256, 2, 1, 0},
    {256, 64, 2, 1, 0},
    {256, 128, 2, 1, 0},
    {64, 128, 1, 1, 0, true},
    {64, 256, 1, 1, 0, true},
    {128, 64, 1, 1, 0, true},
    {128, 128, 1, 1, 0, true},
    {128, 128, 2, 1, 0, false, 2},
    {128, 256, 2, 1, 0, false, 2},
    {256, 128, 2, 1, 0, false, 2},
    {64, 256, 1, 1, 0, true, 2},
    {128, 128, 1, 1, 0, true, 2},
};

/// Clocks; a guess that only has to order configurations.
double estimate(const WgmmaConfig& c, int64_t m, int64_t n, int64_t steps, const Target& target) {
  constexpr double kMultiplyAdds = 2048, kL2Bytes = 48, kFinished = 6, kFixed = 1500, kStep = 40;
  const int64_t tiles = ceil_div(m, c.bm * c.cluster) * ceil_div(n, c.bn);
  const auto waves = static_cast<double>(ceil_div(tiles, std::max(1, target.num_sms / c.cluster)));
  const double area = static_cast<double>(c.bm) * c.bn;
  const double step =
      std::max(area * WgmmaConfig::kBK / kMultiplyAdds + kStep, static_cast<double>(c.fetched_bytes()) / kL2Bytes);
  const double product = static_cast<double>(steps) * step;
  const double finish = area / kFinished * (c.alternate || c.consumers() == 1 ? 1.3 : 1);
  if (!c.alternate || waves < 2) return kFixed + waves * (product + finish);
  return kFixed + waves * std::max(product, (product + finish) / 2) + finish;
}

}  // namespace

int64_t WgmmaConfig::shared_bytes() const {
  constexpr int64_t kAlignmentBytes = 1024, kBarrierBytes = 2 * 8, kTurnBytes = 2 * 8;
  return kAlignmentBytes + kTurnBytes + stages * (stage_bytes() + kBarrierBytes) +
         static_cast<int64_t>(consumers()) * group_columns() * 2 * 4;
}

std::string to_string(const WgmmaConfig& c, const std::string& arch) {
  return fmt::format("{} tile={}x{}x{} groups={}x{} stages={} alternate={} cluster={}", arch, c.bm, c.bn,
                     WgmmaConfig::kBK, c.groups_m, c.groups_n, c.stages, c.alternate ? 1 : 0, c.cluster);
}

WgmmaConfig parse_wgmma_config(std::string_view text) {
  const std::vector<int> tile = ints_of(text, "tile", 3), groups = ints_of(text, "groups", 2);
  const WgmmaConfig c{tile[0],
                      tile[1],
                      groups[0],
                      groups[1],
                      int_of(text, "stages", 0),
                      int_of(text, "alternate", 0) != 0,
                      int_of(text, "cluster", 1)};
  const bool fits = tile[2] == WgmmaConfig::kBK && c.bm <= 256 && c.bn <= 256 && c.bm % (64 * c.groups_m) == 0 &&
                    c.bn % (32 * c.groups_n) == 0 && c.stages >= 2 && c.stages <= kMostStages && c.consumers() <= 2 &&
                    (c.cluster == 1 || c.cluster == 2) && (!c.alternate || groups[0] * groups[1] == 1);
  check(fits, ErrorCode::kCorrupt, "the configuration '{}' is none of a product by warpgroups", text);
  return c;
}

std::vector<WgmmaConfig> wgmma_candidates(int64_t m, int64_t n, int64_t k, int64_t taps, const Target& target) {
  const int64_t steps = taps * ceil_div(k, WgmmaConfig::kBK);
  std::vector<WgmmaConfig> configs;
  for (WgmmaConfig c : kShapes) {
    const int64_t rest = target.shared_bytes - c.shared_bytes();
    c.stages = static_cast<int>(std::min<int64_t>(kMostStages, rest / (c.stage_bytes() + 16)));
    if (c.stages >= 3 && (c.bm <= 64 || c.bm * c.cluster < 2 * m) && (c.bn <= 64 || c.bn < 2 * n)) configs.push_back(c);
  }
  std::stable_sort(configs.begin(), configs.end(), [&](const WgmmaConfig& a, const WgmmaConfig& b) {
    return estimate(a, m, n, steps, target) < estimate(b, m, n, steps, target);
  });
  configs.resize(std::min(configs.size(), kMostCandidates));
  return configs;
}

}  // namespace burnish::cuda
