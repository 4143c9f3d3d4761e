"""TensorRT's enumerations. Values are those of TensorRT 8, with later members behind them."""

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


class WeightsRole(_Enum):
    """What weights are to their layer."""

    KERNEL = 0
    BIAS = 1
    SHIFT = 2
    SCALE = 3
    CONSTANT = 4
    ANY = 5


class LayerType(_Enum):
    """Kinds of layers."""

    CONVOLUTION = 0
    ACTIVATION = 1
    POOLING = 2
    LRN = 3
    SCALE = 4
    SOFTMAX = 5
    DECONVOLUTION = 6
    CONCATENATION = 7
    ELEMENTWISE = 8
    PLUGIN = 9
    UNARY = 10
    PADDING = 11
    SHUFFLE = 12
    REDUCE = 13
    TOPK = 14
    GATHER = 15
    MATRIX_MULTIPLY = 16
    RAGGED_SOFTMAX = 17
    CONSTANT = 18
    IDENTITY = 19
    CAST = 20
    PLUGIN_V2 = 21
    SLICE = 22
    SHAPE = 23
    PARAMETRIC_RELU = 24
    RESIZE = 25
    TRIP_LIMIT = 26
    RECURRENCE = 27
    ITERATOR = 28
    LOOP_OUTPUT = 29
    SELECT = 30
    FILL = 31
    QUANTIZE = 32
    DEQUANTIZE = 33
    CONDITION = 34
    CONDITIONAL_INPUT = 35
    CONDITIONAL_OUTPUT = 36
    SCATTER = 37
    EINSUM = 38
    ASSERTION = 39
    ONE_HOT = 40
    NON_ZERO = 41
    GRID_SAMPLE = 42
    NMS = 43
    REVERSE_SEQUENCE = 44
    NORMALIZATION = 45
    PLUGIN_V3 = 46
    SQUEEZE = 47
    UNSQUEEZE = 48
    CUMULATIVE = 49
    FULLY_CONNECTED = 50


class ActivationType(_Enum):
    """Functions of activation layers."""

    RELU = 0
    SIGMOID = 1
    TANH = 2
    LEAKY_RELU = 3
    ELU = 4
    SELU = 5
    SOFTSIGN = 6
    SOFTPLUS = 7
    CLIP = 8
    HARD_SIGMOID = 9
    SCALED_TANH = 10
    THRESHOLDED_RELU = 11
    GELU_ERF = 12
    GELU_TANH = 13


class PoolingType(_Enum):
    """What a pooling layer takes of its window."""

    MAX = 0
    AVERAGE = 1
    MAX_AVERAGE_BLEND = 2


class PaddingMode(_Enum):
    """How padding is given and sizes are rounded."""

    EXPLICIT_ROUND_DOWN = 0
    EXPLICIT_ROUND_UP = 1
    SAME_UPPER = 2
    SAME_LOWER = 3


class ElementWiseOperation(_Enum):
    """Functions of two tensors."""

    SUM = 0
    PROD = 1
    MAX = 2
    MIN = 3
    SUB = 4
    DIV = 5
    POW = 6
    FLOOR_DIV = 7
    AND = 8
    OR = 9
    XOR = 10
    EQUAL = 11
    GREATER = 12
    LESS = 13


class UnaryOperation(_Enum):
    """Functions of one tensor."""

    EXP = 0
    LOG = 1
    SQRT = 2
    RECIP = 3
    ABS = 4
    NEG = 5
    SIN = 6
    COS = 7
    TAN = 8
    SINH = 9
    COSH = 10
    ASIN = 11
    ACOS = 12
    ATAN = 13
    ASINH = 14
    ACOSH = 15
    ATANH = 16
    CEIL = 17
    FLOOR = 18
    ERF = 19
    NOT = 20
    SIGN = 21
    ROUND = 22
    ISINF = 23
    ISNAN = 24


class ReduceOperation(_Enum):
    """What a reduction computes."""

    SUM = 0
    PROD = 1
    MAX = 2
    MIN = 3
    AVG = 4


class TopKOperation(_Enum):
    """Which elements are the top."""

    MAX = 0
    MIN = 1


class MatrixOperation(_Enum):
    """What happens to an operand before the product."""

    NONE = 0
    TRANSPOSE = 1
    VECTOR = 2


class ScaleMode(_Enum):
    """What shares one scale."""

    UNIFORM = 0
    CHANNEL = 1
    ELEMENTWISE = 2


class GatherMode(_Enum):
    """What indices mean."""

    DEFAULT = 0
    ELEMENT = 1
    ND = 2


class SampleMode(_Enum):
    """What lies outside of a tensor that is sliced."""

    STRICT_BOUNDS = 0
    DEFAULT = 0
    WRAP = 1
    CLAMP = 2
    FILL = 3
    REFLECT = 4


class InterpolationMode(_Enum):
    """How elements are resized."""

    NEAREST = 0
    LINEAR = 1
    CUBIC = 2


class ResizeCoordinateTransformation(_Enum):
    """Which coordinate of the input belongs to one of the output."""

    ALIGN_CORNERS = 0
    ASYMMETRIC = 1
    HALF_PIXEL = 2


class ResizeSelector(_Enum):
    """Which pixel an output of one pixel takes."""

    FORMULA = 0
    UPPER = 1


class ResizeRoundMode(_Enum):
    """How a coordinate becomes an index."""

    HALF_UP = 0
    HALF_DOWN = 1
    FLOOR = 2
    CEIL = 3


class RuntimePlatform(_Enum):
    """Where an engine runs."""

    SAME_AS_BUILD = 0
    WINDOWS_AMD64 = 1


ResizeMode = InterpolationMode  # the name before TensorRT 8.5
