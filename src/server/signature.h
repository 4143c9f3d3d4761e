#pragma once
// What an engine takes and gives, as the scheduler sees it: which dimension is the batch, what the profiles allow, and
// how the outputs' shapes follow from the inputs'.
#include <burnish/engine.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/plan.h"

namespace burnish::server {

struct TensorSpec {
  std::string name;
  DataType dtype = DataType::kFloat32;
  size_t element_bytes = 0;
  bool has_shape = true;  ///< False when even the number of dimensions depends on data.
  SymShape shape;
  std::vector<int64_t> dims;  ///< As BindingInfo::shape.
};

class Signature {
 public:
  /// Throws kUnsupported for element types that the protocol has no name for.
  explicit Signature(const Engine& engine);

  const std::vector<TensorSpec>& inputs() const { return inputs_; }
  const std::vector<TensorSpec>& outputs() const { return outputs_; }
  /// nullptr if there is none.
  const TensorSpec* find_input(std::string_view name) const;
  const TensorSpec* find_output(std::string_view name) const;

  bool is_for_gpu() const { return is_for_gpu_; }
  /// What the tuner measured at the first profile's optimum; 0 if it did not.
  double predicted_us() const { return predicted_us_; }
  /// Why items cannot be joined along the first dimension; empty when they can.
  const std::string& batch_obstacle() const { return batch_obstacle_; }
  /// True when the batch is one symbol in all inputs and outputs, so that it needs no word of the user.
  bool has_evident_batch() const { return batch_obstacle_.empty() && batch_symbols_.size() == 1; }
  /// Items that the largest profile takes; 0 without a batch dimension.
  int64_t max_batch() const { return max_batch_; }

  /// True when one profile allows these shapes, one for each input.
  bool allows(std::span<const Shape> shapes) const;
  /// The fewest items, at least so many, with which one profile allows these shapes (whose first dimension is the
  /// batch); 0 if none does.
  int64_t allowed_batch(std::span<const Shape> shapes, int64_t items) const;
  /// The least and the most that any profile allows.
  int64_t min_of(size_t input, int dimension) const;
  int64_t max_of(size_t input, int dimension) const;
  /// What the first profile was tuned for.
  const Shape& optimum(size_t input) const { return profiles_[0][input].opt; }

  /// The numbers of the symbols in the inputs' shapes. Throws kInvalidArgument when two inputs disagree, naming both.
  std::map<std::string, int64_t, std::less<>> symbols_of(std::span<const Shape> shapes) const;
  /// An output's shape for those; throws kInvalidArgument when it depends on data.
  Shape output_shape(size_t output, const std::map<std::string, int64_t, std::less<>>& symbols) const;
  /// True when two inputs share a free dimension, so that symbols_of() can throw.
  bool shares_symbols() const { return shares_symbols_; }
  /// True when the output's shape depends on data.
  bool depends_on_data(size_t output) const;

 private:
  void find_batch();
  std::string obstacle_of_inputs();
  std::string obstacle_of_outputs() const;
  bool is_batch_symbol(const Dim& dim) const;

  std::vector<TensorSpec> inputs_, outputs_;
  std::vector<std::vector<ProfileShapes>> profiles_;  // by profile, by input
  std::vector<std::string> input_symbols_;
  std::vector<Dim> batch_symbols_;
  std::string batch_obstacle_;
  int64_t max_batch_ = 0;
  bool shares_symbols_ = false;
  bool is_for_gpu_ = false;
  double predicted_us_ = 0;
};

/// "[-1,3,224,224]"
std::string dims_text(std::span<const int64_t> dims);

}  // namespace burnish::server
