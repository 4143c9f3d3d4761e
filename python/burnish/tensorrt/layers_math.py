"""Layers that compute: element by element, products, scales, normalisation, quantisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from burnish.errors import InvalidArgumentError, UnsupportedError
from burnish.tensorrt.base import DimsLike
from burnish.tensorrt.enums import DataType
from burnish.tensorrt.layer_enums import (
    ElementWiseOperation,
    LayerType,
    MatrixOperation,
    ScaleMode,
    UnaryOperation,
    WeightsRole,
)
from burnish.tensorrt.tensor import ILayer, axes_of
from burnish.tensorrt.weights import Weights, WeightsLike, as_array, nptype

if TYPE_CHECKING:
    from burnish.tensorrt.graph_writer import GraphWriter

_E, _U = ElementWiseOperation, UnaryOperation
_BINARY = {_E.SUM: "Add", _E.PROD: "Mul", _E.MAX: "Max", _E.MIN: "Min", _E.SUB: "Sub", _E.DIV: "Div", _E.POW: "Pow",
           _E.AND: "And", _E.OR: "Or", _E.XOR: "Xor", _E.EQUAL: "Equal", _E.GREATER: "Greater", _E.LESS: "Less"}
_UNARY = {_U.EXP: "Exp", _U.LOG: "Log", _U.SQRT: "Sqrt", _U.RECIP: "Reciprocal", _U.ABS: "Abs", _U.NEG: "Neg",
          _U.SIN: "Sin", _U.COS: "Cos", _U.TAN: "Tan", _U.SINH: "Sinh", _U.COSH: "Cosh", _U.ASIN: "Asin",
          _U.ACOS: "Acos", _U.ATAN: "Atan", _U.ASINH: "Asinh", _U.ACOSH: "Acosh", _U.ATANH: "Atanh", _U.CEIL: "Ceil",
          _U.FLOOR: "Floor", _U.ERF: "Erf", _U.NOT: "Not", _U.SIGN: "Sign", _U.ROUND: "Round", _U.ISINF: "IsInf",
          _U.ISNAN: "IsNaN"}


def _float_type(layer: ILayer) -> np.dtype[np.generic]:
    """NumPy's type of the first input, for constants beside it."""
    return np.dtype(nptype(layer._operand(0).dtype))


class IElementWiseLayer(ILayer):
    """A function of two tensors; dimensions of 1 are repeated."""

    _type: ClassVar = LayerType.ELEMENTWISE
    op: ElementWiseOperation = ElementWiseOperation.SUM

    def _write(self, out: GraphWriter) -> list[str]:
        a, b = out.name_of(self._operand(0)), out.name_of(self._operand(1))
        if self.op != _E.FLOOR_DIV:
            return [out.node(_BINARY[self.op], [a, b])]
        if self._operand(0).dtype in (DataType.FLOAT, DataType.HALF, DataType.BF16):
            return [out.node("Floor", [out.node("Div", [a, b])])]
        return [out.node("Div", [out.node("Sub", [a, out.node("Mod", [a, b])]), b])]  # Mod has the divisor's sign


class IUnaryLayer(ILayer):
    """A function of one tensor."""

    _type: ClassVar = LayerType.UNARY
    op: UnaryOperation = UnaryOperation.EXP

    def _write(self, out: GraphWriter) -> list[str]:
        return [out.node(_UNARY[self.op], [out.name_of(self._operand(0))])]


class IParametricReLULayer(ILayer):
    """Slopes for negative elements as a second input."""

    _type: ClassVar = LayerType.PARAMETRIC_RELU

    def _write(self, out: GraphWriter) -> list[str]:
        return [out.node("PRelu", [out.name_of(self._operand(0)), out.name_of(self._operand(1))])]


class ISelectLayer(ILayer):
    """Elements of the second input where the first is true, else of the third."""

    _type: ClassVar = LayerType.SELECT

    def _write(self, out: GraphWriter) -> list[str]:
        return [out.node("Where", [out.name_of(self._operand(i)) for i in range(3)])]


class IIdentityLayer(ILayer):
    """The input; with set_output_type(), cast."""

    _type: ClassVar = LayerType.IDENTITY

    def _write(self, out: GraphWriter) -> list[str]:
        return [out.node("Identity", [out.name_of(self._operand(0))])]


class ICastLayer(ILayer):
    """The input's elements as another type."""

    _type: ClassVar = LayerType.CAST
    to_type: DataType = DataType.FLOAT

    def _write(self, out: GraphWriter) -> list[str]:
        return [out.cast(out.name_of(self._operand(0)), self.to_type)]


class IConstantLayer(ILayer):
    """Elements that are known."""

    _type: ClassVar = LayerType.CONSTANT
    weights: WeightsLike = Weights()
    shape: DimsLike = ()

    def _write(self, out: GraphWriter) -> list[str]:
        shape = tuple(self.shape)
        array = as_array(self.weights, f"the weights of layer '{self.name}'", shape)
        if array is None:
            array = np.zeros(shape, _type_of(self.weights))
            if array.size:
                raise InvalidArgumentError(f"layer '{self.name}' has the shape {shape}, but no weights")
        return [out.weights(WeightsRole.CONSTANT, array)]


def _type_of(weights: WeightsLike) -> np.dtype[np.generic]:
    """The type of elements of weights, even where there are none."""
    return weights.numpy().dtype if isinstance(weights, Weights) else weights.dtype


class IMatrixMultiplyLayer(ILayer):
    """The product of the last two axes; the axes before them are batches."""

    _type: ClassVar = LayerType.MATRIX_MULTIPLY
    op0: MatrixOperation = MatrixOperation.NONE
    op1: MatrixOperation = MatrixOperation.NONE

    def _side(self, out: GraphWriter, index: int, op: MatrixOperation) -> str:
        value = out.name_of(self._operand(index))
        if op == MatrixOperation.VECTOR:
            return out.node("Unsqueeze", [value, out.ints([-2 if index == 0 else -1])])
        if op == MatrixOperation.TRANSPOSE:
            rank = self._input_rank(index)
            return out.node("Transpose", [value], perm=[*range(rank - 2), rank - 1, rank - 2])
        return value

    def _write(self, out: GraphWriter) -> list[str]:
        product = out.node("MatMul", [self._side(out, 0, self.op0), self._side(out, 1, self.op1)])
        gone = [-2] * (self.op0 == MatrixOperation.VECTOR) + [-1] * (self.op1 == MatrixOperation.VECTOR)
        return [out.node("Squeeze", [product, out.ints(gone)]) if gone else product]


class IFullyConnectedLayer(ILayer):
    """The last three axes flattened, times a matrix."""

    _type: ClassVar = LayerType.FULLY_CONNECTED
    num_output_channels: int = 0
    kernel: WeightsLike = Weights()
    bias: WeightsLike = Weights()

    def _write(self, out: GraphWriter) -> list[str]:
        kernel = as_array(self.kernel, f"the kernel of layer '{self.name}'")
        if kernel is None or kernel.size % self.num_output_channels:
            raise InvalidArgumentError(f"layer '{self.name}' has {0 if kernel is None else kernel.size} weights for "
                                       f"{self.num_output_channels} outputs")
        batches = [0] * (self._input_rank() - 3)
        columns = kernel.size // self.num_output_channels
        flat = out.node("Reshape", [out.name_of(self._operand(0)), out.ints([*batches, columns])])
        weights = out.weights(WeightsRole.KERNEL, kernel.reshape(self.num_output_channels, columns))
        product = out.node("MatMul", [flat, out.node("Transpose", [weights], perm=[1, 0])])
        bias = as_array(self.bias, f"the bias of layer '{self.name}'", (self.num_output_channels,))
        if bias is not None:
            product = out.node("Add", [product, out.weights(WeightsRole.BIAS, bias)])
        return [out.node("Reshape", [product, out.ints([*batches, self.num_output_channels, 1, 1])])]


class IScaleLayer(ILayer):
    """(x · scale + shift) ^ power, for all elements, by channel, or by element."""

    _type: ClassVar = LayerType.SCALE
    mode: ScaleMode = ScaleMode.UNIFORM
    shift: WeightsLike = Weights()
    scale: WeightsLike = Weights()
    power: WeightsLike = Weights()
    channel_axis: int = 1

    def _shape(self) -> tuple[int, ...]:
        dims = list(self._operand(0).shape)
        if self.mode == ScaleMode.UNIFORM:
            return ()
        if self.mode == ScaleMode.CHANNEL:
            return (dims[self.channel_axis], *[1] * (len(dims) - self.channel_axis - 1))
        return tuple(dims[self.channel_axis :])

    def _write(self, out: GraphWriter) -> list[str]:
        value = out.name_of(self._operand(0))
        shape = self._shape()
        for op, role, weights in (("Mul", WeightsRole.SCALE, self.scale), ("Add", WeightsRole.SHIFT, self.shift),
                                  ("Pow", WeightsRole.ANY, self.power)):
            array = as_array(weights, f"the {role.name.lower()} of layer '{self.name}'", shape)
            if array is not None:
                value = out.node(op, [value, out.weights(role, array)])
        return [value]


class INormalizationLayer(ILayer):
    """(x − mean) / √(variance + epsilon) over some axes, then times a scale, plus a bias."""

    _type: ClassVar = LayerType.NORMALIZATION
    axes: int = 0
    epsilon: float = 1e-5
    num_groups: int = 1
    compute_precision: DataType = DataType.FLOAT

    def _normalised(self, out: GraphWriter, value: str, axes: list[int]) -> str:
        epsilon = out.constant(np.array(self.epsilon, _float_type(self)))
        centred = out.node("Sub", [value, out.reduce("ReduceMean", value, axes, True)])
        variance = out.reduce("ReduceMean", out.node("Mul", [centred, centred]), axes, True)
        return out.node("Div", [centred, out.node("Sqrt", [out.node("Add", [variance, epsilon])])])

    def _write(self, out: GraphWriter) -> list[str]:
        x = out.name_of(self._operand(0))
        if self.num_groups == 1:
            value = self._normalised(out, x, axes_of(self.axes))
        else:
            self._check_groups()
            grouped = out.node("Reshape", [x, out.ints([0, self.num_groups, -1])])
            value = out.node("Reshape", [self._normalised(out, grouped, [2]), out.node("Shape", [x])])
        scaled = out.node("Mul", [value, out.name_of(self._operand(1))])
        return [out.node("Add", [scaled, out.name_of(self._operand(2))])]

    def _check_groups(self) -> None:
        spatial = list(range(2, self._input_rank()))
        if axes_of(self.axes) not in (spatial, [1, *spatial]):
            raise UnsupportedError(f"layer '{self.name}': with num_groups the axes must be all behind the channels, not "
                                   f"{axes_of(self.axes)}")


class IQuantizeLayer(ILayer):
    """To 8-bit integers by a scale; axis: that of the channels, where there is a scale for each."""

    _type: ClassVar = LayerType.QUANTIZE
    _op: ClassVar[str] = "QuantizeLinear"
    axis: int = 1
    to_type: DataType = DataType.INT8

    def _write(self, out: GraphWriter) -> list[str]:
        if self.to_type not in (DataType.INT8, DataType.UINT8, DataType.FLOAT):
            raise UnsupportedError(f"layer '{self.name}': quantisation goes to INT8 and back to FLOAT, not to "
                                   f"{self.to_type}")
        x, scale = self._operand(0), self._operand(1)
        narrow = self.to_type if self.to_type != DataType.FLOAT else x.dtype
        zero = out.constant(np.zeros(tuple(scale.shape), nptype(narrow)))
        return [out.node(self._op, [out.name_of(x), out.name_of(scale), zero], axis=int(self.axis))]


class IDequantizeLayer(IQuantizeLayer):
    """Back from 8-bit integers."""

    _type: ClassVar = LayerType.DEQUANTIZE
    _op: ClassVar[str] = "DequantizeLinear"
    to_type: DataType = DataType.FLOAT
