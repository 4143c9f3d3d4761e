#include "ops/indexing.h"

namespace burnish {
namespace {

constexpr OpDescriptor kOps[] = {
    {"Gather", 2, 2, 1, 1, infer_gather, evaluate_gather},
    {"GatherElements", 2, 2, 1, 1, infer_gather_elements, evaluate_gather_elements},
    {"GatherND", 2, 2, 1, 1, infer_gather_nd, evaluate_gather_nd},
};

}  // namespace

std::span<const OpDescriptor> indexing_ops() {
  return kOps;
}

}  // namespace burnish
