// Holds what kernels/cuda/cublaslt.h declares against NVIDIA's headers, where they are installed. Compiling is the
// test.
#include <cublasLt.h>

#include "cuda/abi/signature.h"
#include "kernels/cuda/cublaslt.h"

namespace burnish::cuda::lt {
namespace {

static_assert(kNotSupported == CUBLAS_STATUS_NOT_SUPPORTED && CUBLAS_STATUS_SUCCESS == 0);
static_assert(kR32F == CUDA_R_32F && kR16F == CUDA_R_16F && kR16BF == CUDA_R_16BF);
static_assert(kCompute32F == CUBLAS_COMPUTE_32F && kCompute32FFastTF32 == CUBLAS_COMPUTE_32F_FAST_TF32);
static_assert(kOpN == CUBLAS_OP_N && kOpT == CUBLAS_OP_T);
static_assert(kEpilogueDefault == CUBLASLT_EPILOGUE_DEFAULT && kEpilogueRelu == CUBLASLT_EPILOGUE_RELU);
static_assert(kEpilogueBias == CUBLASLT_EPILOGUE_BIAS && kEpilogueGelu == CUBLASLT_EPILOGUE_GELU);
static_assert(kEpilogueRelu + kEpilogueBias == CUBLASLT_EPILOGUE_RELU_BIAS);
static_assert(kEpilogueGelu + kEpilogueBias == CUBLASLT_EPILOGUE_GELU_BIAS);
static_assert(kMatmulTransA == CUBLASLT_MATMUL_DESC_TRANSA && kMatmulTransB == CUBLASLT_MATMUL_DESC_TRANSB);
static_assert(kMatmulEpilogue == CUBLASLT_MATMUL_DESC_EPILOGUE);
static_assert(kMatmulBiasPointer == CUBLASLT_MATMUL_DESC_BIAS_POINTER);
static_assert(kLayoutBatchCount == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT);
static_assert(kLayoutBatchOffset == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
static_assert(kPreferenceWorkspace == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
static_assert(kPreferenceReductions == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
static_assert(kReduceInComputeType == CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
static_assert(kPreferenceAlignmentA == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
static_assert(kPreferenceAlignmentB == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
static_assert(kPreferenceAlignmentC == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
static_assert(kPreferenceAlignmentD == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);

static_assert(sizeof(Algorithm) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(Heuristic) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(Heuristic, workspace_bytes) == offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(Heuristic, status) == offsetof(cublasLtMatmulHeuristicResult_t, state));
static_assert(offsetof(Heuristic, waves) == offsetof(cublasLtMatmulHeuristicResult_t, wavesCount));

static_assert(kAlike<decltype(Library::GetVersion), decltype(&cublasLtGetVersion)>);
static_assert(kAlike<decltype(Library::GetStatusString), decltype(&cublasLtGetStatusString)>);
static_assert(kAlike<decltype(Library::Create), decltype(&cublasLtCreate)>);
static_assert(kAlike<decltype(Library::MatmulDescCreate), decltype(&cublasLtMatmulDescCreate)>);
static_assert(kAlike<decltype(Library::MatmulDescDestroy), decltype(&cublasLtMatmulDescDestroy)>);
static_assert(kAlike<decltype(Library::MatmulDescSetAttribute), decltype(&cublasLtMatmulDescSetAttribute)>);
static_assert(kAlike<decltype(Library::MatrixLayoutCreate), decltype(&cublasLtMatrixLayoutCreate)>);
static_assert(kAlike<decltype(Library::MatrixLayoutDestroy), decltype(&cublasLtMatrixLayoutDestroy)>);
static_assert(kAlike<decltype(Library::MatrixLayoutSetAttribute), decltype(&cublasLtMatrixLayoutSetAttribute)>);
static_assert(kAlike<decltype(Library::MatmulPreferenceCreate), decltype(&cublasLtMatmulPreferenceCreate)>);
static_assert(kAlike<decltype(Library::MatmulPreferenceDestroy), decltype(&cublasLtMatmulPreferenceDestroy)>);
static_assert(kAlike<decltype(Library::MatmulPreferenceSetAttribute), decltype(&cublasLtMatmulPreferenceSetAttribute)>);
static_assert(kAlike<decltype(Library::MatmulAlgoGetHeuristic), decltype(&cublasLtMatmulAlgoGetHeuristic)>);
static_assert(kAlike<decltype(Library::MatmulAlgoCheck), decltype(&cublasLtMatmulAlgoCheck)>);
static_assert(kAlike<decltype(Library::Matmul), decltype(&cublasLtMatmul)>);

}  // namespace
}  // namespace burnish::cuda::lt
