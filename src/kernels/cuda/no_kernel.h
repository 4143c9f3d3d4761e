#pragma once
#include "kernels/tactic.h"

namespace burnish::cuda {

/// For outputs without elements.
class NoKernel : public Kernel {
 public:
  void run(const KernelArgs&) const override {}
};

}  // namespace burnish::cuda
