#pragma once
// What the oneDNN tactics share: versions 2.6 and 3.x of the library behind one set of names, weights in a named
// format, and primitives that run as single-threaded pieces on our own thread pool.
#include <dnnl.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kernels/tactic.h"

namespace burnish::onednn {

dnnl::engine& engine();

/// While it lives, oneDNN's own threading (OpenMP) uses the calling thread only.
class SingleThreaded {
 public:
  SingleThreaded();
  ~SingleThreaded();
  SingleThreaded(const SingleThreaded&) = delete;
  SingleThreaded& operator=(const SingleThreaded&) = delete;

 private:
  int previous_ = 0;
};

/// Whether X, W, R and Y are stored in a way that oneDNN takes on this target: X and W both FLOAT, both BFLOAT16, or
/// UINT8 and INT8, where the instruction set multiplies them; everything dense, W constant.
bool takes_types(const Problem& problem, const Target& target);

using Dims = dnnl::memory::dims;

/// A weight format by its name: "OIhw16i16o". Throws kUnsupported for unknown names.
dnnl::memory::format_tag tag_of(const std::string& name);
/// Weights in this format. nullopt when the format pads them: padding would have to be written.
std::optional<dnnl::memory::desc> unpadded(const Dims& dims, const std::string& tag, DType dtype);
dnnl::memory::desc strided(const Dims& dims, const Dims& strides, DType dtype);
dnnl::memory::data_type data_type_of(DType dtype);

/// "tag=NAME"
std::string config_of(const std::string& tag);
std::string tag_in(const std::string& config);

/// A tensor that a post-op reads: R, or a row of what pack_columns() made.
enum class Operand : int { kMultiplier, kBias, kResidualInverse, kResidualScale, kResidualShift, kResidual };
inline constexpr int64_t kNumColumnRows = 5;

/// What follows a product, as post-ops.
struct Epilogue {
  dnnl::primitive_attr attr;
  std::vector<std::pair<Operand, int>> operands;  ///< Each with its post-op's number.
};
/// The epilogue of a fused step; R and Y have the form y, a row of pack_columns() the form `columns`. nullopt for an
/// activation that oneDNN has not got.
std::optional<Epilogue> epilogue_of(const Problem& problem, const Dims& y, const Dims& y_strides, const Dims& columns);

/// Of integers, numbers for every column, one row of them after the other: the multiplier, what is added (bias and the
/// zero point's part), and what brings a sum to R's scale and back. Weights are w[k][column] if `by_row`, else
/// w[column][k].
PackedBlob pack_columns(const Problem& problem, int64_t columns, bool by_row);

/// The packed blobs' addresses. Throws kUnsupported unless those of the columns are there where they are needed.
std::vector<const void*> blobs_of(const Problem& problem, int64_t columns, std::span<const PackedView> packed);

/// Rearranges plain weights, given by dims and strides, into the named format.
PackedBlob pack_weights(const Tensor& weights, const Dims& dims, const Dims& strides, const std::string& tag);

inline bool is_integer_product(const Problem& problem) {
  return problem.inputs[0].dtype == DType::kUInt8;
}

dnnl::convolution_forward::primitive_desc convolution(const dnnl::memory::desc& x, const dnnl::memory::desc& w,
                                                      const dnnl::memory::desc& bias, const dnnl::memory::desc& y,
                                                      const Dims& strides, const Dims& dilations,
                                                      const Dims& pads_begin, const Dims& pads_end,
                                                      const dnnl::primitive_attr& attr);
/// bias may be the zero descriptor.
dnnl::matmul::primitive_desc product(const dnnl::memory::desc& a, const dnnl::memory::desc& w,
                                     const dnnl::memory::desc& bias, const dnnl::memory::desc& y,
                                     const dnnl::primitive_attr& attr);

/// An implementation made for this machine, not one that only shows what is right.
/// Of integers, not one that unfolds either: oneDNN 2.6 loses track of its columns there.
bool is_fast(const char* implementation, bool of_integers);

/// One argument of a piece: which tensor of the step, and where in it.
struct Argument {
  enum class Source { kInput, kOutput, kPacked, kScratch } source;
  int index = 0;       ///< Input, output or blob number.
  int64_t offset = 0;  ///< Bytes. For kScratch: ignored.
  int name = 0;        ///< DNNL_ARG_…
  dnnl::memory::desc desc;
};

/// A primitive over a part of the step's tensors.
struct Piece {
  dnnl::primitive primitive;
  std::vector<Argument> arguments;
};

/// Arguments of the epilogue's operands for a part: `column` is its first, `element` its first of R and Y.
void add_operands(const Problem& problem, const Epilogue& epilogue, const dnnl::memory::desc& residual,
                  const Dims& columns, int64_t column, int64_t element, std::vector<Argument>& arguments);

/// Runs pieces, each thread its own list, one after the other.
class PieceKernel : public Kernel {
 public:
  /// pieces[t] are those of thread t.
  PieceKernel(std::vector<std::vector<Piece>> pieces, std::vector<const void*> packed);
  ~PieceKernel() override;
  size_t scratch_bytes() const override { return pieces_.size() * thread_scratch_; }
  void run(const KernelArgs& args) const override;

 private:
  struct State;
  std::unique_ptr<State> take_state() const;
  void run_thread(const KernelArgs& args, State& state, size_t t) const;

  std::vector<std::vector<Piece>> pieces_;
  std::vector<const void*> packed_;
  size_t thread_scratch_ = 0;
  // Memory objects hold pointers, so each run that goes on at a time has its own; they are kept for the next.
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<State>> idle_;
};

/// Runs f; what oneDNN throws becomes kUnsupported naming the tactic.
template <typename F>
auto translated(std::string_view tactic, F&& f) {
  try {
    return f();
  } catch (const dnnl::error& e) {
    throw_error(ErrorCode::kUnsupported, "{}: oneDNN refuses this problem ({})", tactic, e.what());
  }
}

}  // namespace burnish::onednn
