"""TensorRT's Python API, versions 8 to 10, on Burnish: `import burnish as trt`.

docs/tensorrt-api.md tells of every name whether it is the same, partly there, or absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from burnish.tensorrt.base import Dims, Dims2, Dims3, Dims4, DimsHW, Permutation, explain_absent, volume
from burnish.tensorrt.builder import Builder
from burnish.tensorrt.calibrators import (
    IInt8Calibrator,
    IInt8EntropyCalibrator,
    IInt8EntropyCalibrator2,
    IInt8LegacyCalibrator,
    IInt8MinMaxCalibrator,
)
from burnish.tensorrt.config import IBuilderConfig
from burnish.tensorrt.context import IExecutionContext
from burnish.tensorrt.engine import ICudaEngine, Runtime
from burnish.tensorrt.enums import (
    BuilderFlag,
    CalibrationAlgoType,
    DataType,
    DeviceType,
    EngineCapability,
    ErrorCode,
    ExecutionContextAllocationStrategy,
    HardwareCompatibilityLevel,
    LayerInformationFormat,
    MemoryPoolType,
    NetworkDefinitionCreationFlag,
    OnnxParserFlag,
    PreviewFeature,
    ProfilingVerbosity,
    QuantizationFlag,
    RuntimePlatform,
    TacticSource,
    TensorFormat,
    TensorIOMode,
    TensorLocation,
)
from burnish.tensorrt.inspector import EngineInspector
from burnish.tensorrt.layer_enums import (
    ActivationType,
    ElementWiseOperation,
    GatherMode,
    InterpolationMode,
    LayerType,
    MatrixOperation,
    PaddingMode,
    PoolingType,
    ReduceOperation,
    ResizeCoordinateTransformation,
    ResizeMode,
    ResizeRoundMode,
    ResizeSelector,
    SampleMode,
    ScaleMode,
    TopKOperation,
    UnaryOperation,
    WeightsRole,
)
from burnish.tensorrt.layers_activation import IActivationLayer
from burnish.tensorrt.layers_math import (
    ICastLayer,
    IConstantLayer,
    IDequantizeLayer,
    IElementWiseLayer,
    IFullyConnectedLayer,
    IIdentityLayer,
    IMatrixMultiplyLayer,
    INormalizationLayer,
    IParametricReLULayer,
    IQuantizeLayer,
    IScaleLayer,
    ISelectLayer,
    IUnaryLayer,
)
from burnish.tensorrt.layers_shape import (
    IConcatenationLayer,
    IEinsumLayer,
    IGatherLayer,
    INonZeroLayer,
    IPaddingLayer,
    IReduceLayer,
    IResizeLayer,
    IShapeLayer,
    IShuffleLayer,
    ISliceLayer,
    ISoftMaxLayer,
    ISqueezeLayer,
    ITopKLayer,
    IUnsqueezeLayer,
)
from burnish.tensorrt.layers_window import IConvolutionLayer, IDeconvolutionLayer, ILRNLayer, IPoolingLayer
from burnish.tensorrt.logger import ILogger, Logger
from burnish.tensorrt.network import INetworkDefinition
from burnish.tensorrt.observers import IOutputAllocator, IProfiler, Profiler
from burnish.tensorrt.onnx_parser import OnnxParser, ParserError
from burnish.tensorrt.profile import IOptimizationProfile
from burnish.tensorrt.progress import IProgressMonitor
from burnish.tensorrt.refitter import Refitter
from burnish.tensorrt.tensor import ILayer, ITensor
from burnish.tensorrt.timing_cache import ITimingCache
from burnish.tensorrt.weights import IHostMemory, Weights, nptype

__version__ = "10.0.0"
"""The version of TensorRT whose names these are; burnish.__version__ is Burnish's own."""

# Element types by their short names.
float32 = DataType.FLOAT
float16 = DataType.HALF
bfloat16 = DataType.BF16
int8 = DataType.INT8
int32 = DataType.INT32
int64 = DataType.INT64
uint8 = DataType.UINT8
fp8 = DataType.FP8
int4 = DataType.INT4
bool = DataType.BOOL  # as TensorRT calls it

# Other names of the same.
OptimizationProfile = IOptimizationProfile
BuilderConfig = IBuilderConfig
NetworkDefinition = INetworkDefinition
HostMemory = IHostMemory

_ABSENT = {
    **dict.fromkeys(("get_plugin_registry", "IPluginV2", "IPluginV2Ext", "IPluginV2DynamicExt", "IPluginV3",
                     "IPluginCreator", "PluginField", "PluginFieldCollection", "get_builder_plugin_registry", "plugin"),
                    "there are no plugins; express it in layers, or in ONNX operators"),
    **dict.fromkeys(("UffParser", "CaffeParser"), "export the model to ONNX"),
    **dict.fromkeys(("IAlgorithmSelector", "AlgorithmSelector"), "kernels are chosen by measured time"),
    **dict.fromkeys(("IErrorRecorder", "ErrorRecorder"), "messages go to the logger"),
    **dict.fromkeys(("IGpuAllocator", "IGpuAsyncAllocator"), "memory comes from the system's allocator"),
    "OnnxParserRefitter": "use Refitter.set_named_weights()",
}


def init_libnvinfer_plugins(logger: object, namespace: str) -> int:
    """Accepted: there are no plugins to register."""
    return 1


def get_nv_onnx_parser_version() -> int:
    """TensorRT's version as one number."""
    return 100000


if not TYPE_CHECKING:

    def __getattr__(name):
        raise explain_absent("burnish", name, _ABSENT)


__all__ = [
    "ActivationType",
    "Builder",
    "BuilderConfig",
    "BuilderFlag",
    "CalibrationAlgoType",
    "DataType",
    "DeviceType",
    "Dims",
    "Dims2",
    "Dims3",
    "Dims4",
    "DimsHW",
    "ElementWiseOperation",
    "EngineCapability",
    "EngineInspector",
    "ErrorCode",
    "ExecutionContextAllocationStrategy",
    "GatherMode",
    "HardwareCompatibilityLevel",
    "HostMemory",
    "IActivationLayer",
    "IBuilderConfig",
    "ICastLayer",
    "IConcatenationLayer",
    "IConstantLayer",
    "IConvolutionLayer",
    "ICudaEngine",
    "IDeconvolutionLayer",
    "IDequantizeLayer",
    "IEinsumLayer",
    "IElementWiseLayer",
    "IExecutionContext",
    "IFullyConnectedLayer",
    "IGatherLayer",
    "IHostMemory",
    "IIdentityLayer",
    "IInt8Calibrator",
    "IInt8EntropyCalibrator",
    "IInt8EntropyCalibrator2",
    "IInt8LegacyCalibrator",
    "IInt8MinMaxCalibrator",
    "ILRNLayer",
    "ILayer",
    "ILogger",
    "IMatrixMultiplyLayer",
    "INetworkDefinition",
    "INonZeroLayer",
    "INormalizationLayer",
    "IOptimizationProfile",
    "IOutputAllocator",
    "IPaddingLayer",
    "IParametricReLULayer",
    "IPoolingLayer",
    "IProfiler",
    "IProgressMonitor",
    "IQuantizeLayer",
    "IReduceLayer",
    "IResizeLayer",
    "IScaleLayer",
    "ISelectLayer",
    "IShapeLayer",
    "IShuffleLayer",
    "ISliceLayer",
    "ISoftMaxLayer",
    "ISqueezeLayer",
    "ITensor",
    "ITimingCache",
    "ITopKLayer",
    "IUnaryLayer",
    "IUnsqueezeLayer",
    "InterpolationMode",
    "LayerInformationFormat",
    "LayerType",
    "Logger",
    "MatrixOperation",
    "MemoryPoolType",
    "NetworkDefinition",
    "NetworkDefinitionCreationFlag",
    "OnnxParser",
    "OnnxParserFlag",
    "OptimizationProfile",
    "PaddingMode",
    "ParserError",
    "Permutation",
    "PoolingType",
    "PreviewFeature",
    "Profiler",
    "ProfilingVerbosity",
    "QuantizationFlag",
    "ReduceOperation",
    "Refitter",
    "ResizeCoordinateTransformation",
    "ResizeMode",
    "ResizeRoundMode",
    "ResizeSelector",
    "Runtime",
    "RuntimePlatform",
    "SampleMode",
    "ScaleMode",
    "TacticSource",
    "TensorFormat",
    "TensorIOMode",
    "TensorLocation",
    "TopKOperation",
    "UnaryOperation",
    "Weights",
    "WeightsRole",
    "bfloat16",
    "bool",
    "float16",
    "float32",
    "fp8",
    "get_nv_onnx_parser_version",
    "init_libnvinfer_plugins",
    "int32",
    "int4",
    "int64",
    "int8",
    "nptype",
    "uint8",
    "volume",
]
