// Holds what kernels/cuda/cudnn.h declares against NVIDIA's headers, where they are installed. Compiling is the test.
#include <cudnn.h>

#include "cuda/abi/signature.h"
#include "kernels/cuda/cudnn.h"

namespace burnish::cuda::dnn {
namespace {

static_assert(CUDNN_STATUS_SUCCESS == 0);
static_assert(kFloat == CUDNN_DATA_FLOAT);
static_assert(kHalf == CUDNN_DATA_HALF);
static_assert(kBFloat16 == CUDNN_DATA_BFLOAT16);
static_assert(kCrossCorrelation == CUDNN_CROSS_CORRELATION);
static_assert(kHeuristicsA == CUDNN_HEUR_MODE_A);
static_assert(kHeuristicsFallback == CUDNN_HEUR_MODE_FALLBACK);
static_assert(kAdd == CUDNN_POINTWISE_ADD);
static_assert(kMultiply == CUDNN_POINTWISE_MUL);
static_assert(kRelu == CUDNN_POINTWISE_RELU_FWD);
static_assert(kTanh == CUDNN_POINTWISE_TANH_FWD);
static_assert(kSigmoid == CUDNN_POINTWISE_SIGMOID_FWD);
static_assert(kGelu == CUDNN_POINTWISE_GELU_FWD);
static_assert(kSwish == CUDNN_POINTWISE_SWISH_FWD);
static_assert(kGeluTanh == CUDNN_POINTWISE_GELU_APPROX_TANH_FWD);
static_assert(kNoteTensorCore == CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
static_assert(kNoteDownConvertInputs == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
static_assert(kNoteReducedPrecisionReduction == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION);
static_assert(kNoteFft == CUDNN_NUMERICAL_NOTE_FFT);
static_assert(kNoteNondeterministic == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
static_assert(kNoteWinograd == CUDNN_NUMERICAL_NOTE_WINOGRAD);
static_assert(kNoteWinograd4 == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4);
static_assert(kNoteWinograd6 == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6);
static_assert(kNoteWinograd13 == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13);
static_assert(kNoteRuntimeCompilation == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
static_assert(kNoteReordersFilter == CUDNN_BEHAVIOR_NOTE_REQUIRES_FILTER_INT8x32_REORDER);
static_assert(kNoteReordersBias == CUDNN_BEHAVIOR_NOTE_REQUIRES_BIAS_INT8x32_REORDER);
static_assert(kPointwise == CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
static_assert(kConvolution == CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
static_assert(kEngine == CUDNN_BACKEND_ENGINE_DESCRIPTOR);
static_assert(kEngineConfig == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
static_assert(kEngineHeuristics == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
static_assert(kExecutionPlan == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
static_assert(kKnobChoice == CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
static_assert(kConvolutionForward == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
static_assert(kPointwiseOperation == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
static_assert(kOperationGraph == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
static_assert(kVariantPack == CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
static_assert(kTensor == CUDNN_BACKEND_TENSOR_DESCRIPTOR);
static_assert(kDeviceProperties == CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
static_assert(kTypeHandle == CUDNN_TYPE_HANDLE);
static_assert(kTypeDataType == CUDNN_TYPE_DATA_TYPE);
static_assert(kTypeBoolean == CUDNN_TYPE_BOOLEAN);
static_assert(kTypeInt64 == CUDNN_TYPE_INT64);
static_assert(kTypeFloat == CUDNN_TYPE_FLOAT);
static_assert(kTypePointer == CUDNN_TYPE_VOID_PTR);
static_assert(kTypeConvolutionMode == CUDNN_TYPE_CONVOLUTION_MODE);
static_assert(kTypeHeuristicsMode == CUDNN_TYPE_HEUR_MODE);
static_assert(kTypeKnobType == CUDNN_TYPE_KNOB_TYPE);
static_assert(kTypeNumericalNote == CUDNN_TYPE_NUMERICAL_NOTE);
static_assert(kTypePointwiseMode == CUDNN_TYPE_POINTWISE_MODE);
static_assert(kTypeDescriptor == CUDNN_TYPE_BACKEND_DESCRIPTOR);
static_assert(kTypeBehaviorNote == CUDNN_TYPE_BEHAVIOR_NOTE);
static_assert(kTypeChar == CUDNN_TYPE_CHAR);
static_assert(kPointwiseMode == CUDNN_ATTR_POINTWISE_MODE);
static_assert(kPointwisePrecision == CUDNN_ATTR_POINTWISE_MATH_PREC);
static_assert(kReluLowerClip == CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP);
static_assert(kReluUpperClip == CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP);
static_assert(kReluLowerSlope == CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE);
static_assert(kConvolutionPrecision == CUDNN_ATTR_CONVOLUTION_COMP_TYPE);
static_assert(kConvolutionModeName == CUDNN_ATTR_CONVOLUTION_CONV_MODE);
static_assert(kConvolutionDilations == CUDNN_ATTR_CONVOLUTION_DILATIONS);
static_assert(kConvolutionStrides == CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
static_assert(kConvolutionPostPaddings == CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
static_assert(kConvolutionPrePaddings == CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
static_assert(kConvolutionSpatialDims == CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS);
static_assert(kHeuristicsMode == CUDNN_ATTR_ENGINEHEUR_MODE);
static_assert(kHeuristicsGraph == CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
static_assert(kHeuristicsResults == CUDNN_ATTR_ENGINEHEUR_RESULTS);
static_assert(kHeuristicsDeviceProperties == CUDNN_ATTR_ENGINEHEUR_DEVICEPROP);
static_assert(kConfigEngine == CUDNN_ATTR_ENGINECFG_ENGINE);
static_assert(kConfigKnobs == CUDNN_ATTR_ENGINECFG_KNOB_CHOICES);
static_assert(kPlanHandle == CUDNN_ATTR_EXECUTION_PLAN_HANDLE);
static_assert(kPlanConfig == CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
static_assert(kPlanWorkspace == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
static_assert(kPlanDeviceProperties == CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
static_assert(kKnobType == CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE);
static_assert(kKnobValue == CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE);
static_assert(kForwardAlpha == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA);
static_assert(kForwardBeta == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
static_assert(kForwardConvolution == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC);
static_assert(kForwardW == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W);
static_assert(kForwardX == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X);
static_assert(kForwardY == CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y);
static_assert(kOperationPointwise == CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
static_assert(kOperationX == CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
static_assert(kOperationB == CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
static_assert(kOperationY == CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
static_assert(kGraphHandle == CUDNN_ATTR_OPERATIONGRAPH_HANDLE);
static_assert(kGraphOperations == CUDNN_ATTR_OPERATIONGRAPH_OPS);
static_assert(kTensorAlignment == CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
static_assert(kTensorDataType == CUDNN_ATTR_TENSOR_DATA_TYPE);
static_assert(kTensorDims == CUDNN_ATTR_TENSOR_DIMENSIONS);
static_assert(kTensorStrides == CUDNN_ATTR_TENSOR_STRIDES);
static_assert(kTensorId == CUDNN_ATTR_TENSOR_UNIQUE_ID);
static_assert(kTensorIsVirtual == CUDNN_ATTR_TENSOR_IS_VIRTUAL);
static_assert(kPackIds == CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
static_assert(kPackPointers == CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
static_assert(kPackWorkspace == CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
static_assert(kEngineGraph == CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
static_assert(kEngineIndex == CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
static_assert(kEngineNumericalNotes == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE);
static_assert(kEngineBehaviorNotes == CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE);
static_assert(kEngineDeviceProperties == CUDNN_ATTR_ENGINE_DEVICEPROP);
static_assert(kDevicePropertiesJson == CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION);

static_assert(kAlike<decltype(Library::GetVersion), decltype(&cudnnGetVersion)>);
static_assert(kAlike<decltype(Library::GetErrorString), decltype(&cudnnGetErrorString)>);
static_assert(kAlike<decltype(Library::GetLastErrorString), decltype(&cudnnGetLastErrorString)>);
static_assert(kAlike<decltype(Library::Create), decltype(&cudnnCreate)>);
static_assert(kAlike<decltype(Library::SetStream), decltype(&cudnnSetStream)>);
static_assert(kAlike<decltype(Library::BackendCreateDescriptor), decltype(&cudnnBackendCreateDescriptor)>);
static_assert(kAlike<decltype(Library::BackendDestroyDescriptor), decltype(&cudnnBackendDestroyDescriptor)>);
static_assert(kAlike<decltype(Library::BackendFinalize), decltype(&cudnnBackendFinalize)>);
static_assert(kAlike<decltype(Library::BackendSetAttribute), decltype(&cudnnBackendSetAttribute)>);
static_assert(kAlike<decltype(Library::BackendGetAttribute), decltype(&cudnnBackendGetAttribute)>);
static_assert(kAlike<decltype(Library::BackendExecute), decltype(&cudnnBackendExecute)>);

}  // namespace
}  // namespace burnish::cuda::dnn
