#pragma once
// Small helpers that shape inference of many families shares.
#include <span>
#include <string_view>
#include <vector>

#include "ops/op.h"

namespace burnish {

/// Symbolic values are followed for tensors up to this many elements.
inline constexpr int64_t kMaxSymbolicElements = 256;

/// Every output gets the dtype and no shape.
void infer_unknown(InferContext& c, DType dtype);
/// Output i has input j's type and shape.
void infer_like(InferContext& c, int i = 0, int j = 0);
/// The attribute as an axis of a tensor of this rank, in [0, rank). Throws naming the attribute.
int axis_of(const AttributeMap& attrs, std::string_view name, int64_t fallback, int rank);
/// Maps every axis to [0, rank); throws for repeated ones.
std::vector<int> normalize_axes(std::span<const int64_t> axes, int rank);
/// Throws kInvalidModel unless input i has this rank (when known).
void require_rank(const InferContext& c, int i, int rank);
void require_min_rank(const InferContext& c, int i, int rank);
/// Throws kInvalidModel unless both inputs, where present, have the same element type.
void require_same_dtype(const InferContext& c, int i, int j);
/// Throws kInvalidModel unless input i, when present, is float, double, half or bfloat16.
void require_real(const InferContext& c, int i);
/// Throws kInvalidModel unless input i, when present, is INT32 or INT64.
void require_index(const InferContext& c, int i);
/// Throws kInvalidModel when two dims are numbers that differ; what says which.
void require_equal(const Dim& a, const Dim& b, std::string_view what);
/// The dim that is a number, if one is; else the first.
Dim more_concrete(const Dim& a, const Dim& b);
/// Number of elements of a 1-D input, when its shape says so.
std::optional<int64_t> length_of(const InferContext& c, int i);
/// Passes the symbolic elements of input 0 on to output 0.
void pass_dims(InferContext& c);
/// Symbols for dims that only the data knows, one for each node and op: two counts are never taken for equal.
Dim data_dim(std::string_view op, const InferContext& c);
/// Throws kInvalidModel naming the attribute unless it is one of the choices.
void require_choice(std::string_view attribute, std::string_view value, std::span<const std::string_view> choices);

}  // namespace burnish
