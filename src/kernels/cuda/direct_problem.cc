#include "kernels/cuda/direct_problem.h"

#include <algorithm>

#include "kernels/cuda/generated.h"
#include "kernels/cuda/product_epilogue.h"

namespace burnish::cuda {
namespace {

/// What stands in one dimension more than the problem has stays at its default.
void read_geometry(const Problem& problem, DirectProblem& p) {
  const ConvGeometry g = conv_geometry_of(*problem.attrs, problem.inputs[1].shape.dims().subspan(2));
  const size_t n = g.kernel.size();
  const TensorDesc &x = problem.inputs[0], &y = problem.outputs[0];
  for (size_t i = 0; i < n; ++i) {
    const size_t to = 3 - n + i;
    const int in_dim = static_cast<int>(i) + (p.in_nhwc ? 1 : 2), out_dim = static_cast<int>(i) + (p.out_nhwc ? 1 : 2);
    p.in[to] = x.shape[in_dim];
    p.out[to] = y.shape[out_dim];
    p.sizes_free = p.sizes_free || x.is_free(in_dim) || y.is_free(out_dim);
    p.kernel[to] = g.kernel[i];
    p.stride[to] = g.strides[i];
    p.dilation[to] = g.dilations[i];
    p.pad[to] = g.pads[i];
  }
  p.group = g.group;
  p.batch = x.shape[0];
  p.in_channels = problem.inputs[1].shape[1];
  p.out_channels = problem.inputs[1].shape[0] / g.group;
}

void read_epilogue(const Problem& problem, DirectProblem& p) {
  EpilogueForm& e = p.epilogue;
  e.columns = p.out_channels;
  e.blocks = p.group;
  if (problem.has_input(kFusedBias)) e.bias = kFusedBias;
  if (problem.op != kFusedConv || !problem.has_input(kFusedResidual)) return;
  const Residual residual = residual_of(*problem.attrs);
  if (residual != Residual::kNone) e.residual = kFusedResidual;
  e.residual_after = residual == Residual::kAfter;
}

std::string list_of(const std::array<int64_t, 3>& v) {
  return fmt::format("{{{}, {}, {}}}", v[0], v[1], v[2]);
}

}  // namespace

bool read_direct(const Problem& problem, DirectProblem& p) {
  const int rank = problem.inputs[0].shape.rank();
  const std::string pad = problem.attrs->get_string("auto_pad", "NOTSET");
  if (rank < 3 || rank > 5 || pad != "NOTSET") return false;
  p.in_nhwc = is_nhwc(*problem.attrs, "input_layout");
  p.out_nhwc = is_nhwc(*problem.attrs, "output_layout");
  read_geometry(problem, p);
  read_epilogue(problem, p);
  p.x = problem.inputs[0].dtype;
  p.w = problem.inputs[1].dtype;
  return is_real(p.x) && is_real(p.w) && takes_epilogue(problem, p.epilogue);
}

std::string direct_constants(const DirectProblem& p) {
  std::string s = fmt::format("using X = {};\nusing W = {};\n", type_name(p.x), type_name(p.w));
  s += fmt::format("constexpr int kKernel[] = {}, kStride[] = {}, kDilation[] = {}, kPad[] = {};\n", list_of(p.kernel),
                   list_of(p.stride), list_of(p.dilation), list_of(p.pad));
  s += fmt::format("constexpr int kTaps = {}, kGroups = {}, kIn = {}, kOut = {};\n", p.taps(), p.group, p.in_channels,
                   p.out_channels);
  s += fmt::format("constexpr bool kInNhwc = {}, kOutNhwc = {};\n", p.in_nhwc, p.out_nhwc);
  for (size_t i = 0; i < 3; ++i) {
    s += p.sizes_free ? fmt::format("#define IN_{0} args.in[{0}]\n#define OUT_{0} args.out[{0}]\n", i)
                      : fmt::format("#define IN_{0} {1}\n#define OUT_{0} {2}\n", i, p.in[i], p.out[i]);
  }
  return s;
}

DirectSizes sizes_of(const DirectProblem& p) {
  DirectSizes s;
  for (size_t i = 0; i < 3; ++i) {
    s.in[i] = static_cast<int32_t>(p.in[i]);
    s.out[i] = static_cast<int32_t>(p.out[i]);
  }
  return s;
}

}  // namespace burnish::cuda
