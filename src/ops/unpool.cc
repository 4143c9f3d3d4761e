#include <algorithm>

#include "ops/elements.h"
#include "ops/fused.h"
#include "ops/infer.h"
#include "ops/pooling.h"
#include "ops/strided.h"

namespace burnish {
namespace {

/// Output dims that undo a pooling of this geometry.
SymShape unpooled(const AttributeMap& attrs, const SymShape& in) {
  const ConvGeometry g = conv_geometry_of(attrs, {});
  const size_t n = g.kernel.size();
  check(in.size() == n + 2, ErrorCode::kInvalidModel, "a kernel of {} dims for {}", n, to_string(in));
  SymShape out{in[0], in[1]};
  for (size_t i = 0; i < n; ++i) {
    out.push_back((in[i + 2] - Dim(1)) * Dim(g.strides[i]) + Dim(g.kernel[i]) - Dim(g.pads[i] + g.pads[n + i]));
    check(!out.back().is_constant() || out.back().value() >= 0, ErrorCode::kInvalidModel,
          "the pads leave nothing of spatial dim {}", i);
  }
  return out;
}

}  // namespace

void infer_max_unpool(InferContext& c) {
  check(c.dtype(1) == DType::kInt64, ErrorCode::kInvalidModel, "the indices must be int64");
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  require_rank(c, 1, c.rank(0));
  for (int i = 0; c.has_shape(1) && i < c.rank(0); ++i)
    require_equal(c.shape(0)[static_cast<size_t>(i)], c.shape(1)[static_cast<size_t>(i)], "indices against values");
  const SymShape out = unpooled(c.attrs(), c.shape(0));
  if (!c.has_input(2)) return c.set_output(0, c.dtype(0), out);
  const auto given = c.dims(2);
  if (!given) return c.set_output(0, c.dtype(0), std::nullopt);
  check(given->size() == out.size(), ErrorCode::kInvalidModel, "output_shape has {} entries, not {}", given->size(),
        out.size());
  for (size_t i = 0; i < out.size(); ++i)
    check(!(*given)[i].is_constant() || !out[i].is_constant() || (*given)[i].value() >= out[i].value(),
          ErrorCode::kInvalidModel, "output_shape {} is smaller than {}", to_string(*given), to_string(out));
  c.set_output(0, c.dtype(0), *given);
}

void evaluate_max_unpool(EvalContext& c) {
  const TensorView& x = c.input(0);
  const TensorView out = c.output(0);
  const size_t bytes = size_of(x.dtype);
  const Shape inner = *to_concrete(unpooled(c.attrs(), to_symbolic(x.shape)));
  Tensor unpadded(x.dtype, inner);
  std::fill_n(unpadded.as<std::byte>(), unpadded.num_bytes(), std::byte{0});
  const auto* indices = c.input(1).as<const int64_t>();
  for (int64_t i = 0; i < x.num_elements(); ++i) {
    check(indices[i] >= 0 && indices[i] < unpadded.num_elements(), ErrorCode::kInvalidArgument,
          "index {} is outside the unpooled tensor {}", indices[i], to_string(inner));
    std::memcpy(element_at(unpadded.view(), indices[i]), element_at(x, i), bytes);
  }
  // A larger output_shape adds zeros behind.
  std::fill_n(out.as<std::byte>(), out.num_bytes(), std::byte{0});
  strided_copy(bytes, inner.dims(), unpadded.data(), strides_of(inner).dims(), out.data, strides_of(out.shape).dims());
}

}  // namespace burnish
