"""TensorRT's enumerations, but those of layers (layer_enums.py). Values are those of TensorRT 8, with later members behind them."""

from __future__ import annotations

import enum


class _Enum(enum.IntEnum):
    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    __format__ = enum.Enum.__format__


class DataType(_Enum):
    """Element types."""

    FLOAT = 0
    HALF = 1
    INT8 = 2
    INT32 = 3
    BOOL = 4
    UINT8 = 5
    FP8 = 6
    BF16 = 7
    INT64 = 8
    INT4 = 9

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return {"FLOAT": 4, "INT32": 4, "HALF": 2, "BF16": 2, "INT64": 8}.get(self.name, 1)


class NetworkDefinitionCreationFlag(_Enum):
    """What a network is made with. All networks have an explicit batch dimension."""

    EXPLICIT_BATCH = 0
    EXPLICIT_PRECISION = 1
    STRONGLY_TYPED = 2


class BuilderFlag(_Enum):
    """What a build may do; docs/tensorrt-api.md tells what each does on the CPU target."""

    FP16 = 0
    INT8 = 1
    DEBUG = 2
    GPU_FALLBACK = 3
    STRICT_TYPES = 4
    REFIT = 5
    DISABLE_TIMING_CACHE = 6
    TF32 = 7
    SPARSE_WEIGHTS = 8
    SAFETY_SCOPE = 9
    OBEY_PRECISION_CONSTRAINTS = 10
    PREFER_PRECISION_CONSTRAINTS = 11
    DIRECT_IO = 12
    REJECT_EMPTY_ALGORITHMS = 13
    ENABLE_TACTIC_HEURISTIC = 14
    VERSION_COMPATIBLE = 15
    EXCLUDE_LEAN_RUNTIME = 16
    FP8 = 17
    ERROR_ON_TIMING_CACHE_MISS = 18
    BF16 = 19
    DISABLE_COMPILATION_CACHE = 20
    STRIP_PLAN = 21
    REFIT_IDENTICAL = 22
    WEIGHT_STREAMING = 23
    INT4 = 24
    REFIT_INDIVIDUAL = 25
    MONITOR_MEMORY = 26


class MemoryPoolType(_Enum):
    """Kinds of memory that a build may limit."""

    WORKSPACE = 0
    DLA_MANAGED_SRAM = 1
    DLA_LOCAL_DRAM = 2
    DLA_GLOBAL_DRAM = 3
    TACTIC_DRAM = 4
    TACTIC_SHARED_MEMORY = 5


class ProfilingVerbosity(_Enum):
    """How much an inspector may tell."""

    LAYER_NAMES_ONLY = 0
    NONE = 1
    DETAILED = 2


class TensorIOMode(_Enum):
    """What a tensor is to an engine."""

    NONE = 0
    INPUT = 1
    OUTPUT = 2


class TensorLocation(_Enum):
    """Where the memory of a tensor lies."""

    DEVICE = 0
    HOST = 1


class TensorFormat(_Enum):
    """How elements lie in memory; only LINEAR is there."""

    LINEAR = 0
    CHW2 = 1
    HWC8 = 2
    CHW4 = 3
    CHW16 = 4
    CHW32 = 5
    DHWC8 = 6
    CDHW32 = 7
    HWC = 8
    DLA_LINEAR = 9
    DLA_HWC4 = 10
    HWC16 = 11
    DHWC = 12


class DeviceType(_Enum):
    """Where layers run."""

    GPU = 0
    DLA = 1


class EngineCapability(_Enum):
    """What an engine is restricted to; only STANDARD is there."""

    STANDARD = 0
    SAFETY = 1
    DLA_STANDALONE = 2


class TacticSource(_Enum):
    """Libraries that kernels come from."""

    CUBLAS = 0
    CUBLAS_LT = 1
    CUDNN = 2
    EDGE_MASK_CONVOLUTIONS = 3
    JIT_CONVOLUTIONS = 4


class HardwareCompatibilityLevel(_Enum):
    """Which machines an engine runs on; only NONE is there."""

    NONE = 0
    AMPERE_PLUS = 1
    SAME_COMPUTE_CAPABILITY = 2


class PreviewFeature(_Enum):
    """Features on trial; none changes anything here."""

    FASTER_DYNAMIC_SHAPES_0805 = 0
    DISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805 = 1
    PROFILE_SHARING_0806 = 2
    ALIASED_PLUGIN_IO_10_03 = 3


class QuantizationFlag(_Enum):
    """How calibration goes."""

    CALIBRATE_BEFORE_FUSION = 0


class ExecutionContextAllocationStrategy(_Enum):
    """When a context's memory is planned; no difference here."""

    STATIC = 0
    ON_PROFILE_CHANGE = 1
    USER_MANAGED = 2


class LayerInformationFormat(_Enum):
    """How an inspector answers."""

    ONELINE = 0
    JSON = 1


class OnnxParserFlag(_Enum):
    """How a model is imported; no difference here."""

    NATIVE_INSTANCENORM = 0
    ENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA = 1


class ErrorCode(_Enum):
    """What an importer's problem is."""

    SUCCESS = 0
    INTERNAL_ERROR = 1
    MEM_ALLOC_FAILED = 2
    MODEL_DESERIALIZE_FAILED = 3
    INVALID_VALUE = 4
    INVALID_GRAPH = 5
    INVALID_NODE = 6
    UNSUPPORTED_GRAPH = 7
    UNSUPPORTED_NODE = 8
    UNSUPPORTED_NODE_ATTR = 9
    UNSUPPORTED_NODE_INPUT = 10
    UNSUPPORTED_NODE_DATATYPE = 11
    UNSUPPORTED_NODE_DYNAMIC = 12
    UNSUPPORTED_NODE_SHAPE = 13
    REFIT_FAILED = 14


class CalibrationAlgoType(_Enum):
    """How a calibrator chooses ranges."""

    LEGACY_CALIBRATION = 0
    ENTROPY_CALIBRATION = 1
    ENTROPY_CALIBRATION_2 = 2
    MINMAX_CALIBRATION = 3


class RuntimePlatform(_Enum):
    """Where an engine runs."""

    SAME_AS_BUILD = 0
    WINDOWS_AMD64 = 1
