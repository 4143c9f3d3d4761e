#pragma once
// Samples of a model's inputs, as the user has them: for calibration and for measuring accuracy.
#include <burnish/builder.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "ir/graph.h"

namespace burnish {

class Samples {
 public:
  /// Every path is a .npz file (arrays named like the inputs; any name if the model has one input), a .npy file, a raw
  /// file of the model's only input (.bin, .raw: little-endian elements, samples back to back), or a folder of these,
  /// read in the order of names. "NAME=PATH" says which input all that is there holds; without it the file's name
  /// does, or it is the only input. The first dimension counts samples. Throws kIo and kInvalidArgument naming file,
  /// input and what does not fit.
  static Samples load(const std::vector<std::string>& paths, const Graph& model);

  /// Copies of arrays in memory, which next gives until it returns false. Throws kInvalidArgument naming the input and
  /// what does not fit.
  static Samples collect(const std::function<bool(SampleBatch&)>& next, const Graph& model);

  int64_t size() const { return size_; }
  /// These samples, one behind the other, as inputs of one execution.
  std::map<std::string, Tensor> gather(const std::vector<int64_t>& indices) const;
  /// False when this input is the same, byte for byte, in all samples.
  bool varies(const std::string& input) const;
  /// Shape of one input without its first dimension.
  Shape item_shape(const std::string& input) const;

 private:
  using Parts = std::map<std::string, std::vector<Tensor>>;
  /// Checks that every input has as many samples; where: what an error calls them.
  Samples(Parts parts, const Graph& model, const std::string& where);

  Parts parts_;  // by input; their first dimensions add up to size_
  int64_t size_ = 0;
};

}  // namespace burnish
