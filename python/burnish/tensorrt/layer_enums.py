"""TensorRT's enumerations of layers: their kinds, and what they do. Values are those of TensorRT 8, with later members behind
them."""

from __future__ import annotations

from burnish.tensorrt.enums import _Enum


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


ResizeMode = InterpolationMode  # the name before TensorRT 8.5
