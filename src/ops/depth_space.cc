#include "ops/data_movement.h"
#include "ops/infer.h"
#include "ops/strided.h"

namespace burnish {

namespace {

int64_t block_size_of(const AttributeMap& attrs) {
  const int64_t b = attrs.get_int("blocksize", 0);
  check(b > 0 && b < (1 << 20), ErrorCode::kInvalidModel, "attribute blocksize = {} must be positive", b);
  return b;
}

bool is_crd(const AttributeMap& attrs) {
  const std::string mode = attrs.get_string("mode", "DCR");
  constexpr std::string_view kModes[] = {"DCR", "CRD"};
  require_choice("mode", mode, kModes);
  return mode == "CRD";
}

Dim divide(const Dim& d, int64_t by, std::string_view what) {
  check(!d.is_constant() || d.value() % by == 0, ErrorCode::kInvalidModel, "{} {} is no multiple of {}", what,
        to_string(d), by);
  return floor_div(d, Dim(by));
}

}  // namespace

void infer_depth_to_space(InferContext& c) {
  require_rank(c, 0, 4);
  const int64_t b = block_size_of(c.attrs());
  is_crd(c.attrs());
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  const SymShape& s = c.shape(0);
  c.set_output(0, c.dtype(0), SymShape{s[0], divide(s[1], b * b, "channels"), s[2] * Dim(b), s[3] * Dim(b)});
}

void evaluate_depth_to_space(EvalContext& c) {
  const TensorView& in = c.input(0);
  const TensorView out = c.output(0);
  const int64_t b = block_size_of(c.attrs());
  const int64_t n = in.shape[0], channels = out.shape[1], h = in.shape[2], w = in.shape[3];
  const int64_t plane = h * w;
  const bool crd = is_crd(c.attrs());
  const int64_t dims[] = {n, channels, h, b, w, b};
  const int64_t from[] = {
      in.shape[1] * plane,           crd ? b * b * plane : plane, w, crd ? b * plane : b * channels * plane, 1,
      crd ? plane : channels * plane};
  const int64_t to[] = {channels * plane * b * b, plane * b * b, b * w * b, w * b, b, 1};
  strided_copy(size_of(in.dtype), dims, in.data, from, out.data, to);
}

void infer_space_to_depth(InferContext& c) {
  require_rank(c, 0, 4);
  const int64_t b = block_size_of(c.attrs());
  is_crd(c.attrs());
  if (!c.has_shape(0)) return c.set_output(0, c.dtype(0), std::nullopt);
  const SymShape& s = c.shape(0);
  c.set_output(0, c.dtype(0), SymShape{s[0], s[1] * Dim(b * b), divide(s[2], b, "height"), divide(s[3], b, "width")});
}

void evaluate_space_to_depth(EvalContext& c) {
  const TensorView& in = c.input(0);
  const TensorView out = c.output(0);
  const int64_t b = block_size_of(c.attrs());
  const int64_t n = in.shape[0], channels = in.shape[1], h = out.shape[2], w = out.shape[3];
  const int64_t plane = h * w;
  const bool crd = is_crd(c.attrs());
  const int64_t dims[] = {n, b, b, channels, h, w};
  const int64_t from[] = {channels * plane * b * b, w * b, 1, plane * b * b, b * w * b, b};
  const int64_t to[] = {out.shape[1] * plane,
                        crd ? b * plane : b * channels * plane,
                        crd ? plane : channels * plane,
                        crd ? b * b * plane : plane,
                        w,
                        1};
  strided_copy(size_of(in.dtype), dims, in.data, from, out.data, to);
}

}  // namespace burnish
