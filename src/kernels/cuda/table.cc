// The tactics of NVIDIA GPUs: one row each, preferred first. The host stands last, so that every operator runs.
#include "kernels/cuda/tactics.h"

namespace burnish {

std::span<const Tactic* const> cuda_tactics() {
  // clang-format off
  static const Tactic* const kTable[] = {
      &cuda::host_tactic(),
  };
  // clang-format on
  return kTable;
}

}  // namespace burnish
