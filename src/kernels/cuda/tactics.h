#pragma once
// Every tactic of NVIDIA GPUs has one accessor here and one row in table.cc.
#include "kernels/tactic.h"

namespace burnish::cuda {

const Tactic& host_tactic();

}  // namespace burnish::cuda
