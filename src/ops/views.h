#pragma once
// How a Pointwise input is looked at: transposed and sliced without being copied. The text form of the attribute
// "views" (ops/fused.h), one entry an input: steps from left to right, separated by ";", empty for the tensor as it is.
//   "perm 0 3 1 2 4"   dimension i of the view is dimension perm[i] of what it looks at, as in Transpose
//   "slice 4 2 81"     of axis 4 the 81 elements from 2 on
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"
#include "ops/attributes.h"
#include "ops/dim.h"

namespace burnish {

struct ViewStep {
  std::vector<int64_t> perm;  ///< Empty: a slice.
  int axis = 0;
  int64_t start = 0, length = 0;
};
/// Throws kInvalidModel naming the step that is wrong.
std::vector<ViewStep> parse_view(std::string_view text);
std::string to_string(const ViewStep& step);

/// The views of a node's inputs: the attribute, or as many empty texts. Throws kInvalidModel for another number.
std::vector<std::string> views_of(const AttributeMap& attrs, int num_inputs);
bool has_views(const AttributeMap& attrs);

/// The view's shape. Throws kInvalidModel for axes, permutations and ranges that do not fit.
SymShape viewed_shape(const SymShape& shape, std::string_view view);

/// Where a view's elements lie in a dense tensor.
struct StridedView {
  Shape shape;
  std::vector<int64_t> strides;  ///< In elements, by dimension of the view.
  int64_t offset = 0;
};
StridedView strided_view(const Shape& shape, std::string_view view);

}  // namespace burnish
