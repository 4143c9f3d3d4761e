#pragma once
// What cuDNN can run of our convolutions: Y = act(S·conv(X, W) + R + B) [+ R], channels last, as one graph of
// operations.
#include <optional>

#include "kernels/cpu/f32_conv_form.h"
#include "kernels/cuda/cudnn_graph.h"

namespace burnish::cuda {

struct DnnConv {
  ConvForm form;
  DType type = DType::kFloat32, y_type = DType::kFloat32, r_type = DType::kFloat32;
  bool has_bias = false, has_scales = false;
  bool exact = true;  ///< FLOAT without TF32.
  Activation activation;

  int64_t out_channels() const { return form.group * form.out_channels; }
  bool empty() const { return form.batch * form.out_h * form.out_w * out_channels() == 0; }
};

/// Everything that a graph depends on, in a line: equal for convolutions whose graphs are equal.
std::string key_of(const DnnConv& conv);

/// False for what the library has no operations for: images by channel, operands of different types, biases and weight
/// scales that are no constants, activations without a mode of their own.
bool read_dnn_conv(const Problem& problem, DnnConv& conv);

/// Weights as [O][kH][kW][I/group]; the bias in Y's type, which is what the library's own kernels add; weight scales as
/// FLOAT. The latter two where they are.
std::vector<PackedBlob> pack_dnn_conv(const Problem& problem, const DnnConv& conv);

/// Tensors by their ids in graphs and variant packs.
enum class DnnTensor : int64_t { kX = 1, kW, kY, kBias, kResidual, kScales };

class DnnConvGraph : public DnnGraph {
 public:
  /// alignment: kDnnAligned or kDnnAnyAddress. Throws kUnsupported where the library refuses the graph.
  DnnConvGraph(const DnnConv& conv, int64_t alignment, const dnn::Site& site);

 private:
  /// Without an id: a result that the next operation takes.
  Handle image(std::optional<DnnTensor> id, DType type, int64_t pixel, int64_t alignment);
  Handle column(DnnTensor id, DType type);
  void convolve(Handle x, Handle w, Handle y);

  DnnConv conv_;
};

}  // namespace burnish::cuda
