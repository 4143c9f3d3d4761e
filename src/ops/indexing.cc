#include "ops/indexing.h"

namespace burnish {
namespace {

constexpr OpDescriptor kOps[] = {
    {"Gather", 2, 2, 1, 1, infer_gather, evaluate_gather},
    {"GatherElements", 2, 2, 1, 1, infer_gather_elements, evaluate_gather_elements},
    {"GatherND", 2, 2, 1, 1, infer_gather_nd, evaluate_gather_nd},
    {"ScatterElements", 3, 3, 1, 1, infer_scatter_elements, evaluate_scatter_elements},
    {"ScatterND", 3, 3, 1, 1, infer_scatter_nd, evaluate_scatter_nd},
    {"TensorScatter", 2, 3, 1, 1, infer_tensor_scatter, evaluate_tensor_scatter},
    {"NonZero", 1, 1, 1, 1, infer_non_zero, evaluate_non_zero, kDataDependentShape},
    {"Unique", 1, 1, 1, 4, infer_unique, evaluate_unique, kDataDependentShape},
    {"TfIdfVectorizer", 1, 1, 1, 1, infer_tf_idf, evaluate_tf_idf},
};

}  // namespace

std::span<const OpDescriptor> indexing_ops() {
  return kOps;
}

}  // namespace burnish
