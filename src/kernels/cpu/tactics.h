#pragma once
// Every tactic of the CPU has one accessor here and one row in table.cc.
#include "kernels/tactic.h"

namespace burnish {

const Tactic& reference_tactic();

}  // namespace burnish
