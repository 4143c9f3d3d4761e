#pragma once
// A tactic is one way to run one operator on one target.
//
// Build time: supports() → candidates() → pack() once per configuration → prepare() → timed.
// Run time:   prepare() for the concrete shapes (may allocate, generate code) → Kernel::run() any number of times,
//             which allocates nothing.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"
#include "base/thread_pool.h"
#include "kernels/target.h"
#include "ops/attributes.h"
#include "ops/op.h"

namespace burnish {

/// A tensor as a kernel meets it: dense and row-major, except that rows (the last dimension) may stand further apart
/// than they are long when the tensor is a slice of the last dimension of a larger one (a concat's result).
struct TensorDesc {
  DType dtype = DType::kUndefined;  ///< kUndefined: an absent optional tensor.
  Shape shape;
  int64_t row_stride = 0;  ///< Elements between rows; 0 means dense (= shape.back()).
  /// Bit i: dimension i may have another size in another execution of the same plan. Generated code takes such sizes,
  /// and row strides, as parameters.
  uint32_t free_dims = 0;

  bool is_free(int i) const { return (free_dims >> static_cast<unsigned>(i) & 1U) != 0; }
  bool present() const { return dtype != DType::kUndefined; }
  int64_t ld() const { return row_stride > 0 ? row_stride : (shape.rank() > 0 ? shape.back() : 1); }
  bool dense() const { return row_stride == 0 || row_stride == ld_dense(); }
  int64_t ld_dense() const { return shape.rank() > 0 ? shape.back() : 1; }
};

/// One step to be run: operator, attributes, concrete shapes.
struct Problem {
  std::string op;
  const AttributeMap* attrs = nullptr;
  std::vector<TensorDesc> inputs;
  std::vector<TensorDesc> outputs;
  /// Per input: the elements when they are constant and at hand, else an undefined tensor. At run time an input that
  /// was packed at build time is constant but no longer at hand.
  std::vector<Tensor> constants;
  std::vector<bool> is_constant;

  bool has_input(int i) const {
    return i < static_cast<int>(inputs.size()) && inputs[static_cast<size_t>(i)].present();
  }
};

/// What a kernel gets for one run. Pointers of absent and of packed inputs are null. On a GPU all of them point to its
/// memory, and run() only enqueues.
struct KernelArgs {
  std::span<const void* const> inputs;
  std::span<void* const> outputs;
  void* scratch = nullptr;  ///< scratch_bytes() bytes, aligned to kAlignment, contents undefined.
  ThreadPool* pool = nullptr;
  void* stream = nullptr;  ///< Of the GPU that the kernel was prepared for.
  /// num_flags() words, which are zero when the kernel begins and which it leaves zero: kernels that run one after the
  /// other share them. GPUs only.
  uint32_t* flags = nullptr;
};

/// A tactic prepared for one problem. Immutable: may run in several contexts at once.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual size_t scratch_bytes() const { return 0; }
  /// Words by which blocks of a GPU tell each other how far they are.
  virtual size_t num_flags() const { return 0; }
  virtual void run(const KernelArgs& args) const = 0;
  /// True when run() waits for the GPU, or calls what cannot be captured into a CUDA graph.
  virtual bool synchronizes() const { return false; }
};

/// Weights in the form a kernel wants them. The bytes live in the engine file, aligned to kAlignment.
using PackedBlob = std::vector<std::byte>;
/// The bytes on the host, and where a GPU's kernels find them.
struct PackedView : std::span<const std::byte> {
  using std::span<const std::byte>::span;
  const void* device = nullptr;  ///< Of the same bytes in the target's memory; null on CPUs.
};

/// Stateless; one instance each, listed in the target's table.
class Tactic {
 public:
  virtual ~Tactic() = default;
  /// Stable, stored in engines: "cpu.f32_gemm".
  virtual std::string_view name() const = 0;
  /// Raised whenever packed weights or configurations change their meaning.
  virtual int version() const { return 1; }
  /// The operators it may run; empty means every operator (the reference).
  virtual std::vector<std::string_view> ops() const = 0;
  virtual bool supports(const Problem& problem, const Target& target) const = 0;
  /// Printable configurations worth timing, the best guess first; at least one.
  virtual std::vector<std::string> candidates(const Problem&, const Target&) const { return {""}; }
  /// True for a constant input whose elements pack() absorbs, so that the engine need not store it as it is.
  virtual bool packs_input(const Problem&, int /*input*/) const { return false; }
  /// May depend on constants, attributes and the configuration, never on free dimensions or the number of threads.
  virtual std::vector<PackedBlob> pack(const Problem&, const std::string& /*config*/) const { return {}; }
  /// Does what may be done ahead and in parallel for pack() and prepare(), such as compiling.
  virtual void warm_up(const Problem&, const std::string& /*config*/) const {}
  /// The packed bytes outlive the kernel. Throws kUnsupported when the shapes cannot be run after all.
  virtual std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config,
                                          std::span<const PackedView> packed, const Target& target) const = 0;
  /// Whether input/output i may have rows further apart than they are long.
  virtual bool accepts_strided_input(const Problem&, int /*input*/) const { return false; }
  virtual bool accepts_strided_output(const Problem&, int /*output*/) const { return false; }
  /// True when run() allocates (a vendor library's bookkeeping). Such tactics are candidates at opt level 5 only, so
  /// that execution allocates nothing unless it was asked for speed above all.
  virtual bool allocates() const { return false; }
  /// Whether the output may share memory with this input of the same size.
  virtual bool may_run_in_place(const Problem&, int /*input*/) const { return false; }
};

/// Tactics of the CPU, preferred first, the reference last. See kernels/cpu/table.cc.
std::span<const Tactic* const> cpu_tactics();
/// Tactics of NVIDIA GPUs likewise. See kernels/cuda/table.cc.
std::span<const Tactic* const> cuda_tactics();
/// By Target::kind.
std::span<const Tactic* const> tactics_of(const Target& target);
/// Of any target; nullptr when this build has no such tactic.
const Tactic* find_tactic(std::string_view name);

}  // namespace burnish
