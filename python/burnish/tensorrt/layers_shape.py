"""Layers that move elements, and those along axes: shuffle, concat, slice, gather, resize, reduce, softmax, top-k."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from burnish.errors import InvalidArgumentError, UnsupportedError
from burnish.tensorrt.base import DimsLike
from burnish.tensorrt.enums import DataType
from burnish.tensorrt.layer_enums import (
    GatherMode,
    InterpolationMode,
    LayerType,
    ReduceOperation,
    ResizeCoordinateTransformation,
    ResizeRoundMode,
    ResizeSelector,
    SampleMode,
    TopKOperation,
)
from burnish.tensorrt.layers_window import Alias
from burnish.tensorrt.tensor import ILayer, axes_of, ints
from burnish.tensorrt.weights import Array, nptype

if TYPE_CHECKING:
    from burnish.tensorrt.graph_writer import GraphWriter

_FAR = 1 << 62  # before the first element, as an end of a slice that goes backwards


class IShuffleLayer(ILayer):
    """A transpose, a reshape, and another transpose."""

    _type: ClassVar = LayerType.SHUFFLE
    first_transpose: DimsLike | None = None
    reshape_dims: DimsLike | None = None
    second_transpose: DimsLike | None = None
    zero_is_placeholder: bool = True

    @property
    def _max_inputs(self) -> int:
        return 2

    def _write(self, out: GraphWriter) -> list[str]:
        value = out.name_of(self._operand(0))
        if self.first_transpose is not None:
            value = out.node("Transpose", [value], perm=ints(self.first_transpose))
        shape = self.get_input(1)
        if shape is not None or self.reshape_dims is not None:
            target = out.ints(self.reshape_dims or ()) if shape is None else out.cast(out.name_of(shape), DataType.INT64)
            value = out.node("Reshape", [value, target], allowzero=None if self.zero_is_placeholder else 1)
        if self.second_transpose is not None:
            value = out.node("Transpose", [value], perm=ints(self.second_transpose))
        return [out.node("Identity", [value])]


class IConcatenationLayer(ILayer):
    """Tensors one behind the other along an axis; by default the third from the end."""

    _type: ClassVar = LayerType.CONCATENATION
    axis: int = -1

    def _write(self, out: GraphWriter) -> list[str]:
        axis = self.axis if self.axis >= 0 else max(0, self._input_rank() - 3)
        return [out.node("Concat", [out.name_of(self._operand(i)) for i in range(self.num_inputs)], axis=axis)]


class ISoftMaxLayer(ILayer):
    """axes: a bit for the one axis; by default the third from the end."""

    _type: ClassVar = LayerType.SOFTMAX
    axes: int = 0

    def _write(self, out: GraphWriter) -> list[str]:
        axes = axes_of(self.axes) or [max(0, self._input_rank() - 3)]
        if len(axes) != 1:
            raise InvalidArgumentError(f"layer '{self.name}': softmax goes over one axis, not {axes}")
        return [out.node("Softmax", [out.name_of(self._operand(0))], axis=axes[0])]


class IReduceLayer(ILayer):
    """axes: a bit for each axis that is reduced."""

    _type: ClassVar = LayerType.REDUCE
    op: ReduceOperation = ReduceOperation.SUM
    axes: int = 0
    keep_dims: bool = False

    def _write(self, out: GraphWriter) -> list[str]:
        name = {"SUM": "Sum", "PROD": "Prod", "MAX": "Max", "MIN": "Min", "AVG": "Mean"}[ReduceOperation(self.op).name]
        if not self.axes:
            raise InvalidArgumentError(f"layer '{self.name}' reduces no axis: axes is a bit mask")
        return [out.reduce(f"Reduce{name}", out.name_of(self._operand(0)), axes_of(self.axes), bool(self.keep_dims))]


class ITopKLayer(ILayer):
    """The k largest or smallest along one axis, sorted, and where they are (INT32)."""

    _type: ClassVar = LayerType.TOPK
    op: TopKOperation = TopKOperation.MAX
    k: int = 1
    axes: int = 0

    @property
    def _max_inputs(self) -> int:
        return 2

    def _write(self, out: GraphWriter) -> list[str]:
        axes = axes_of(self.axes)
        if len(axes) != 1:
            raise InvalidArgumentError(f"layer '{self.name}': top-k goes along one axis, not {axes}")
        given = self.get_input(1)
        if given is None:
            k = out.ints([self.k])
        else:
            k = out.node("Reshape", [out.cast(out.name_of(given), DataType.INT64), out.ints([1])])
        values, indices = out.nodes("TopK", [out.name_of(self._operand(0)), k], 2, axis=axes[0],
                                    largest=int(self.op == TopKOperation.MAX))
        return [values, out.cast(indices, DataType.INT32)]


class ISliceLayer(ILayer):
    """Elements from start, in steps of stride; mode: what lies outside of the input."""

    _type: ClassVar = LayerType.SLICE
    start: DimsLike = ()
    shape: DimsLike = ()
    stride: DimsLike = ()
    mode: SampleMode = SampleMode.STRICT_BOUNDS

    @property
    def _max_inputs(self) -> int:
        return 5

    def _write(self, out: GraphWriter) -> list[str]:
        if any(self.get_input(i) is not None for i in (1, 2, 3)):
            return self._write_dynamic(out)
        if self.mode != SampleMode.STRICT_BOUNDS:
            return [self._sampled(out)]
        starts, strides = ints(self.start), ints(self.stride)
        ends = [s + d * (n - 1) + (1 if d > 0 else -1) if n > 0 else s for s, n, d in zip(starts, self.shape, strides)]
        ends = [-_FAR if end < 0 else end for end in ends]
        axes = out.ints(range(len(starts)))
        return [out.node("Slice", [out.name_of(self._operand(0)), out.ints(starts), out.ints(ends), axes,
                                   out.ints(strides)])]

    def _write_dynamic(self, out: GraphWriter) -> list[str]:
        """Starts, sizes or strides that are tensors; the strides are positive."""
        if self.mode != SampleMode.STRICT_BOUNDS:
            raise UnsupportedError(f"layer '{self.name}': {self.mode} needs a start, shape and stride that are constant")

        def part(index: int, fixed: DimsLike) -> str:
            given = self.get_input(index)
            return out.ints(fixed) if given is None else out.cast(out.name_of(given), DataType.INT64)

        start, stride = part(1, self.start), part(3, self.stride)
        end = out.node("Add", [start, out.node("Mul", [part(2, self.shape), stride])])
        axes = out.ints(range(self._input_rank()))
        return [out.node("Slice", [out.name_of(self._operand(0)), start, end, axes, stride])]

    def _sampled(self, out: GraphWriter) -> str:
        """Elements by index along each axis: for all that may lie outside."""
        value, outside = out.name_of(self._operand(0)), None
        for axis, size in enumerate(self._operand(0).shape):
            if size <= 0:
                raise UnsupportedError(f"layer '{self.name}': {self.mode} needs an input whose shape is known")
            wanted = self.start[axis] + self.stride[axis] * np.arange(self.shape[axis])
            value = out.node("Gather", [value, out.constant(self._inside(wanted, size))], axis=axis)
            here = ((wanted < 0) | (wanted >= size)).reshape(-1, *[1] * (len(self.shape) - axis - 1))
            outside = here if outside is None else outside | here
        if self.mode != SampleMode.FILL or outside is None:
            return value
        fill = self.get_input(4)
        zero = out.constant(np.zeros((), nptype(self._operand(0).dtype)))
        return out.node("Where", [out.constant(outside), zero if fill is None else out.name_of(fill), value])

    def _inside(self, wanted: Array, size: int) -> Array:
        inside: Array = np.clip(wanted, 0, size - 1)
        if self.mode == SampleMode.WRAP:
            inside = wanted % size
        elif self.mode == SampleMode.REFLECT and size > 1:
            around = wanted % (2 * size - 2)
            inside = np.minimum(around, 2 * size - 2 - around)
        return inside


class IGatherLayer(ILayer):
    """Parts of the first input by the indices in the second."""

    _type: ClassVar = LayerType.GATHER
    axis: int = 0
    num_elementwise_dims: int = 0
    mode: GatherMode = GatherMode.DEFAULT

    def _write(self, out: GraphWriter) -> list[str]:
        operands = [out.name_of(self._operand(0)), out.name_of(self._operand(1))]
        if self.mode == GatherMode.ND:
            indices = out.cast(operands[1], DataType.INT64)
            return [out.node("GatherND", [operands[0], indices], batch_dims=int(self.num_elementwise_dims))]
        if self.mode == GatherMode.ELEMENT:
            return [out.node("GatherElements", operands, axis=int(self.axis))]
        if self.num_elementwise_dims:
            raise UnsupportedError(f"layer '{self.name}': num_elementwise_dims is there for GatherMode.ND only")
        return [out.node("Gather", operands, axis=int(self.axis))]


class IResizeLayer(ILayer):
    """Interpolated to a shape or by scales."""

    _type: ClassVar = LayerType.RESIZE
    shape: DimsLike | None = None
    scales: Sequence[float] | None = None
    resize_mode: InterpolationMode = InterpolationMode.NEAREST
    interpolation_mode = Alias("resize_mode")
    coordinate_transformation: ResizeCoordinateTransformation = ResizeCoordinateTransformation.ASYMMETRIC
    selector_for_single_pixel: ResizeSelector = ResizeSelector.FORMULA
    nearest_rounding: ResizeRoundMode = ResizeRoundMode.FLOOR
    cubic_coeff: float = -0.75
    exclude_outside: bool = False

    @property
    def _max_inputs(self) -> int:
        return 2

    def _write(self, out: GraphWriter) -> list[str]:
        if self.selector_for_single_pixel != ResizeSelector.FORMULA:
            raise UnsupportedError(f"layer '{self.name}': selector_for_single_pixel is FORMULA only")
        given = self.get_input(1)
        if given is not None:
            size = out.cast(out.name_of(given), DataType.INT64)
        elif self.shape is not None:
            size = out.ints(self.shape)
        else:
            size = ""
        if not size and self.scales is None:
            raise InvalidArgumentError(f"layer '{self.name}' lacks shape or scales")
        scales = "" if size else out.constant(np.array(self.scales, np.float32))
        rounding = {ResizeRoundMode.HALF_UP: "round_prefer_ceil", ResizeRoundMode.HALF_DOWN: "round_prefer_floor",
                    ResizeRoundMode.FLOOR: "floor", ResizeRoundMode.CEIL: "ceil"}[self.nearest_rounding]
        inputs = [out.name_of(self._operand(0)), "", scales, size] if size else [out.name_of(self._operand(0)), "", scales]
        return [out.node("Resize", inputs, mode=self.resize_mode.name.lower(), nearest_mode=rounding,
                         coordinate_transformation_mode=self.coordinate_transformation.name.lower(),
                         cubic_coeff_a=float(self.cubic_coeff), exclude_outside=int(self.exclude_outside))]


class IShapeLayer(ILayer):
    """The input's shape (INT64)."""

    _type: ClassVar = LayerType.SHAPE

    def _write(self, out: GraphWriter) -> list[str]:
        return [out.node("Shape", [out.name_of(self._operand(0))])]


class IPaddingLayer(ILayer):
    """Zeros around the last two axes; negative numbers cut."""

    _type: ClassVar = LayerType.PADDING
    pre_padding_nd: DimsLike = ()
    post_padding_nd: DimsLike = ()
    pre_padding = Alias("pre_padding_nd")
    post_padding = Alias("post_padding_nd")

    def _write(self, out: GraphWriter) -> list[str]:
        before = [0] * (self._input_rank() - 2)
        pads = out.ints([*before, *self.pre_padding_nd, *before, *self.post_padding_nd])
        return [out.node("Pad", [out.name_of(self._operand(0)), pads])]


class IEinsumLayer(ILayer):
    """Sums of products as the equation says."""

    _type: ClassVar = LayerType.EINSUM
    equation: str = ""

    def _write(self, out: GraphWriter) -> list[str]:
        operands = [out.name_of(self._operand(i)) for i in range(self.num_inputs)]
        return [out.node("Einsum", operands, equation=self.equation)]


class INonZeroLayer(ILayer):
    """Where the input is not zero: a row for every axis (INT64)."""

    _type: ClassVar = LayerType.NON_ZERO

    def _write(self, out: GraphWriter) -> list[str]:
        return [out.node("NonZero", [out.name_of(self._operand(0))])]


class ISqueezeLayer(ILayer):
    """Without axes of one element; those are the second input."""

    _type: ClassVar = LayerType.SQUEEZE
    _op: ClassVar[str] = "Squeeze"

    def _write(self, out: GraphWriter) -> list[str]:
        axes = out.cast(out.name_of(self._operand(1)), DataType.INT64)
        return [out.node(self._op, [out.name_of(self._operand(0)), axes])]


class IUnsqueezeLayer(ISqueezeLayer):
    """With further axes of one element; those are the second input."""

    _type: ClassVar = LayerType.UNSQUEEZE
    _op: ClassVar[str] = "Unsqueeze"
