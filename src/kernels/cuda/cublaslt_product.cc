#include "kernels/cuda/cublaslt_product.h"

#include "kernels/cpu/f32_conv_form.h"
#include "kernels/cpu/gemm_form.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/product_epilogue.h"
#include "ops/fused.h"

namespace burnish::cuda {
namespace {

int library_type(DType type) {
  return type == DType::kFloat32 ? lt::kR32F : type == DType::kFloat16 ? lt::kR16F : lt::kR16BF;
}

int64_t matrices_of(const TensorDesc& desc) {
  return desc.shape.product(0, desc.shape.rank() - 2);
}

/// Elements from one matrix to the next; 0 where there is one for all.
bool read_step(const TensorDesc& desc, int64_t batch, int64_t& step) {
  const int64_t matrices = matrices_of(desc);
  step = matrices == 1 ? 0 : desc.shape[desc.shape.rank() - 2] * desc.ld();
  return matrices == 1 || matrices == batch;
}

bool read_matmul(const Problem& problem, LtProduct& p, EpilogueForm& epilogue) {
  GemmForm form;
  if (!read_gemm_form(problem, form)) return false;
  const TensorDesc& y = problem.outputs[0];
  p.m = form.m;
  p.n = form.n;
  p.k = form.k;
  p.trans_w = form.trans_b;
  p.alpha = form.epilogue.alpha;
  epilogue = form.epilogue;
  if (form.shared_b) return true;
  p.batch = matrices_of(y);
  p.y_step = p.r_step = p.m * y.ld();
  if (epilogue.residual > 0) p.r_step = p.m * problem.inputs[static_cast<size_t>(epilogue.residual)].ld();
  return read_step(problem.inputs[0], p.batch, p.a_step) && read_step(problem.inputs[1], p.batch, p.w_step);
}

bool read_convolution(const Problem& problem, LtProduct& p, EpilogueForm& epilogue) {
  ConvForm form;
  if (!read_conv_geometry(problem, form) || !form.in_nhwc || !form.pointwise() || form.group != 1) return false;
  if (form.stride_h != 1 || form.stride_w != 1) return false;
  p.m = form.batch * form.in_h * form.in_w;
  p.n = form.out_channels;
  p.k = form.in_channels;
  p.trans_w = true;
  epilogue = conv_epilogue_form(problem, form);
  return true;
}

bool read_types(const Problem& problem, LtProduct& p) {
  p.type = problem.inputs[0].dtype;
  p.y_type = problem.outputs[0].dtype;
  const auto type_of = [&](int input) { return problem.inputs[static_cast<size_t>(input)].dtype; };
  if (p.type == DType::kFloat32 && problem.attrs->get_int(kAllowTf32, 0) != 0) p.compute = lt::kCompute32FFastTF32;
  return is_real(p.type) && type_of(1) == p.type && (p.y_type == p.type || p.y_type == DType::kFloat32) &&
         (p.residual == 0 || type_of(p.residual) == p.y_type) && !problem.has_input(kFusedWeightScales);
}

bool read_epilogue(const Problem& problem, const EpilogueForm& form, LtProduct& p) {
  const ActivationKind kind = activation_of(*problem.attrs).kind;
  if (kind != ActivationKind::kNone && form.residual_after) return false;
  if (kind != ActivationKind::kNone && kind != ActivationKind::kRelu && kind != ActivationKind::kGeluTanh) return false;
  p.bias = form.bias;
  p.bias_scale = form.bias_scale;
  p.residual = form.residual;
  const int bias = p.bias > 0 ? lt::kEpilogueBias : 0;
  const int activation = kind == ActivationKind::kRelu       ? lt::kEpilogueRelu
                         : kind == ActivationKind::kGeluTanh ? lt::kEpilogueGelu
                                                             : 0;
  p.epilogue = bias + activation > 0 ? bias + activation : lt::kEpilogueDefault;
  return p.bias == 0 || (problem.is_constant[static_cast<size_t>(p.bias)] &&
                         problem.inputs[static_cast<size_t>(p.bias)].dtype == DType::kFloat32);
}

void read_rows(const Problem& problem, LtProduct& p) {
  p.a_row = problem.inputs[0].ld();
  p.w_row = problem.op == kFusedConv ? p.k : problem.inputs[1].ld();
  p.y_row = p.r_row = problem.outputs[0].ld();
  if (p.residual > 0) p.r_row = problem.inputs[static_cast<size_t>(p.residual)].ld();
}

}  // namespace

bool read_lt_product(const Problem& problem, LtProduct& product) {
  EpilogueForm epilogue;
  const bool is_conv = problem.op == kFusedConv;
  if (!(is_conv ? read_convolution(problem, product, epilogue) : read_matmul(problem, product, epilogue))) return false;
  if (!read_epilogue(problem, epilogue, product) || !read_types(problem, product)) return false;
  read_rows(problem, product);
  return product.k > 0;
}

PackedBlob pack_lt_bias(const Problem& problem, const LtProduct& product) {
  const Tensor& bias = problem.constants[static_cast<size_t>(product.bias)];
  std::vector<float> floats(static_cast<size_t>(product.n));
  for (size_t i = 0; i < floats.size(); ++i) {
    floats[i] = product.bias_scale * bias.as<float>()[bias.num_elements() == 1 ? 0 : i];
  }
  return encode_column(floats, product.y_type);
}

namespace {

lt::Descriptor layout_of(DType type, int64_t rows, int64_t columns, int64_t ld, int64_t batch, int64_t step) {
  lt::Descriptor layout = lt::Descriptor::layout(library_type(type), rows, columns, ld);
  layout.set(lt::kLayoutBatchCount, static_cast<int32_t>(batch));
  layout.set(lt::kLayoutBatchOffset, step);
  return layout;
}

}  // namespace

LtDescriptors::LtDescriptors(const LtProduct& p, const void* bias)
    : operation(lt::Descriptor::operation(p.compute)),
      w(p.trans_w ? layout_of(p.type, p.k, p.n, p.w_row, p.batch, p.w_step)
                  : layout_of(p.type, p.n, p.k, p.w_row, p.batch, p.w_step)),
      a(layout_of(p.type, p.k, p.m, p.a_row, p.batch, p.a_step)),
      r(layout_of(p.y_type, p.n, p.m, p.r_row, p.batch, p.r_step)),
      y(layout_of(p.y_type, p.n, p.m, p.y_row, p.batch, p.y_step)) {
  operation.set(lt::kMatmulTransA, p.trans_w ? lt::kOpT : lt::kOpN);
  operation.set(lt::kMatmulTransB, lt::kOpN);
  operation.set(lt::kMatmulEpilogue, p.epilogue);
  if (p.bias > 0) operation.set(lt::kMatmulBiasPointer, bias);
}

}  // namespace burnish::cuda
