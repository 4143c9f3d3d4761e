#include "kernels/tactic.h"

namespace burnish {

std::span<const Tactic* const> tactics_of(const Target& target) {
  return target.is_cuda() ? cuda_tactics() : cpu_tactics();
}

const Tactic* find_tactic(std::string_view name) {
  for (const auto& table : {cpu_tactics(), cuda_tactics()}) {
    for (const Tactic* tactic : table) {
      if (tactic->name() == name) return tactic;
    }
  }
  return nullptr;
}

}  // namespace burnish
