#pragma once
// Graphs of cuDNN's operations, whatever they compute.
#include "base/dtype.h"
#include "kernels/cuda/cudnn.h"

namespace burnish::cuda {

/// Of tensors in bytes: what the library's best kernels want, and nothing beyond an element's size.
inline constexpr int64_t kDnnAligned = 16, kDnnAnyAddress = 1;

/// The operations, finalized, with all that they refer to. Made by those who derive from it; may be cut down to this.
class DnnGraph {
 public:
  const dnn::Descriptor& graph() const { return parts_.back(); }

 protected:
  /// Sizes and distances of elements.
  struct Extent {
    std::span<const int64_t> dims, strides;
  };

  DnnGraph() = default;
  /// Memory that a variant pack names by this id.
  Handle tensor(int64_t id, const Extent& extent, DType type, int64_t alignment);
  /// A FLOAT on the host, read when a plan is run.
  Handle number(int64_t id, const Extent& extent);
  /// A result that the next operation takes, and nobody else sees.
  Handle between(const Extent& extent, DType type);
  /// y = mode(x, b), or mode(x) where b is null.
  void pointwise(const dnn::Descriptor& mode, Handle x, Handle b, Handle y);
  dnn::Descriptor& part(int type) { return parts_.emplace_back(type); }
  void add(dnn::Descriptor& operation) { operations_.push_back(operation.finalize().handle()); }
  /// Throws kUnsupported where the library refuses the graph.
  void finish(const dnn::Site& site);

  std::vector<dnn::Descriptor> parts_;  // what the graph refers to, then the graph

 private:
  dnn::Descriptor& describe(int64_t id, const Extent& extent, DType type, int64_t alignment);

  std::vector<Handle> operations_;
  int64_t num_between_ = 0;
};

/// The function alone: operands come with the operation.
dnn::Descriptor dnn_mode(int which);

}  // namespace burnish::cuda
