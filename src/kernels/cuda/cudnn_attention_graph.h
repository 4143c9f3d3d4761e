#pragma once
// Attention as cuDNN's fused kernels know it: a graph of two products with the parts of a softmax between them.
#include <array>

#include "kernels/cuda/cudnn_graph.h"
#include "kernels/tactic.h"

namespace burnish::cuda {

struct DnnAttention {
  DType type = DType::kFloat16;
  int64_t batch = 0, heads = 1, queries = 0, keys = 0;
  int64_t qk = 0, v = 0;               ///< Columns of a head.
  std::array<int, 3> inputs = {};      ///< Which inputs q, k and v are.
  std::array<int64_t, 3> column = {};  ///< Where their first heads begin in them.
  std::array<int64_t, 3> row = {};     ///< Elements between their rows.
  float scale = 1;
};

/// False for what the library does not do or does otherwise: FLOAT operands, sizes that are free (a plan is compiled
/// for each, which takes seconds), heads of other than 8, 16, … 128 columns, masks (rows whose keys are all masked come
/// out as zeros, not as the mean of the values).
bool read_dnn_attention(const Problem& problem, DnnAttention& a);

/// Configurations of cuda.cudnn_attention worth timing, best guess first; one without an engine where there is none.
std::vector<std::string> dnn_attention_candidates(const DnnAttention& a, std::string_view arch, const dnn::Site& site);

/// Everything that a graph depends on, in a line.
std::string key_of(const DnnAttention& a);

/// Tensors by their ids in graphs and variant packs. The scale is a FLOAT on the host.
enum class DnnAttentionTensor : int64_t { kQ = 1, kK, kV, kY, kScale };

class DnnAttentionGraph : public DnnGraph {
 public:
  /// Throws kUnsupported where the library refuses the graph.
  DnnAttentionGraph(const DnnAttention& attention, const dnn::Site& site);

 private:
  /// One number for every query, or for every query and key.
  Handle scores(int64_t columns, DType type);
  Handle apply(int mode, Handle x, Handle b, Handle y);
  Handle reduce(int op, Handle x);
  void multiply(Handle a, Handle b, Handle c);
  Handle softmax(Handle x);

  DnnAttention a_;
};

}  // namespace burnish::cuda
